"""A FITS file with every kind of HDU, and what may be done to it against the standard."""

from __future__ import annotations

import struct
from collections.abc import Callable

Damage = Callable[[bytes], bytes]

BLOCK = 2880
# Each HDU of the file that is damaged has one block of header and one of data.
HDU = 2 * BLOCK
PRIMARY, IMAGE, BINARY, TABLE = range(4)


def card(keyword: str, value: str, comment: str = "") -> str:
    right = value if value.startswith("'") else f"{value:>20}"
    return f"{keyword:8}= {right}{' / ' + comment if comment else ''}".ljust(80)


HEADERS = (
    [
        card("SIMPLE", "T", "conforms"),
        card("BITPIX", "16"),
        card("NAXIS", "2"),
        card("NAXIS1", "4"),
        card("NAXIS2", "3"),
        card("EXTEND", "T"),
        card("TELESCOP", "'JWST    '"),
        card("DATE-OBS", "'2023-11-14T22:13:20.5'"),
        card("EXPTIME", "1.5E3"),
        card("CTYPE1", "'LINEAR  '"),
        card("LONG", "'one, &  '"),
        "CONTINUE  'and two' / which is three".ljust(80),
        card("UNKNOWN", ""),
        "COMMENT free text = 'of any kind".ljust(80),
    ],
    [
        card("XTENSION", "'IMAGE   '"),
        card("BITPIX", "-32"),
        card("NAXIS", "1"),
        card("NAXIS1", "5"),
        card("PCOUNT", "0"),
        card("GCOUNT", "1"),
        card("EXTNAME", "'SCI     '"),
        card("EXTVER", "1"),
        card("BUNIT", "'DN      '"),
    ],
    [
        card("XTENSION", "'BINTABLE'"),
        card("BITPIX", "8"),
        card("NAXIS", "2"),
        card("NAXIS1", "36"),
        card("NAXIS2", "2"),
        card("PCOUNT", "6"),
        card("GCOUNT", "1"),
        card("TFIELDS", "6"),
        card("TTYPE1", "'NUMBER  '"),
        card("TFORM1", "'J       '"),
        card("TNULL1", "-1"),
        card("TDISP1", "'I8      '"),
        card("TTYPE2", "'PLACE   '"),
        card("TFORM2", "'2D      '"),
        card("TDIM2", "'(2)     '"),
        card("TTYPE3", "'NAME    '"),
        card("TFORM3", "'5A      '"),
        card("TTYPE4", "'GOOD    '"),
        card("TFORM4", "'1L      '"),
        card("TTYPE5", "'LIST    '"),
        card("TFORM5", "'1PI(3)  '"),
        card("TTYPE6", "'BITS    '"),
        card("TFORM6", "'11X     '"),
        card("THEAP", "72"),
        card("EXTNAME", "'GROUP   '"),
    ],
    [
        card("XTENSION", "'TABLE   '"),
        card("BITPIX", "8"),
        card("NAXIS", "2"),
        card("NAXIS1", "14"),
        card("NAXIS2", "2"),
        card("PCOUNT", "0"),
        card("GCOUNT", "1"),
        card("TFIELDS", "3"),
        card("TTYPE1", "'NUMBER  '"),
        card("TBCOL1", "1"),
        card("TFORM1", "'I4      '"),
        card("TTYPE2", "'SIZE    '"),
        card("TBCOL2", "6"),
        card("TFORM2", "'F5.2    '"),
        card("TTYPE3", "'NAME    '"),
        card("TBCOL3", "12"),
        card("TFORM3", "'A3      '"),
    ],
)
ROWS = b"".join(
    struct.pack(">i2d5scii", n, n, n, b"abc", b"T", 3 - n, 4 * (n - 1)) + b"\xff\xe0"
    for n in (1, 2)
)
DATA_BYTES = (
    bytes(range(24)),
    struct.pack(">5f", *range(5)),
    ROWS + bytes(range(6)),
    b"  17  1.50 abc  18  2.50 de ",
)


def header(cards: list[str]) -> bytes:
    text = "".join([*cards, "END".ljust(80)])
    return text.encode("latin-1").ljust(BLOCK)


def whole() -> bytes:
    pads = [b"\0", b"\0", b"\0", b" "]
    hdus = zip(HEADERS, DATA_BYTES, pads, strict=True)
    return b"".join(header(cards) + data.ljust(BLOCK, pad) for cards, data, pad in hdus)


def edit(hdu: int, old: str, *new: str) -> Damage:
    """Put other cards in the place of the first card of a keyword; ' KEY' puts them before it."""

    def damage(file: bytes) -> bytes:
        text = file[hdu * HDU :][:BLOCK].decode("latin-1")
        cards = [text[at : at + 80] for at in range(0, BLOCK, 80)]
        cards = cards[: cards.index("END".ljust(80)) + 1]
        at = next(n for n, one in enumerate(cards) if one[:8].rstrip() == old.strip())
        cards[at : at + (not old.startswith(" "))] = [one.ljust(80) for one in new]
        made = "".join(cards).encode("latin-1").ljust(BLOCK)
        assert len(made) == BLOCK
        return file[: hdu * HDU] + made + file[hdu * HDU + BLOCK :]

    return damage


def add(hdu: int, *new: str) -> Damage:
    return edit(hdu, " END", *new)


def put(at: int, content: bytes) -> Damage:
    return lambda file: file[:at] + content + file[at + len(content) :]


def both(*damages: Damage) -> Damage:
    def damage(file: bytes) -> bytes:
        for one in damages:
            file = one(file)
        return file

    return damage


P, M, B, A = PRIMARY, IMAGE, BINARY, TABLE
# What is done to the file, and a part of what is said of it: `W:` where that is a warning,
# nothing where it is not against the standard.
DAMAGES: dict[str, tuple[Damage, str]] = {
    # ---- cards
    "no ASCII": (add(P, "NOTE    = 'caf\xe9'"), "0xE9"),
    "no ASCII in a comment": (add(P, "NOTE    = 1 / caf\xe9"), "0xE9"),
    "tab": (add(P, "NOTE    = 'a\tb'"), "0x09"),
    "tab in a COMMENT": (add(P, "COMMENT a\tb"), "0x09"),
    "NUL": (add(P, "NOTE    = 'a\0b'"), "0x00"),
    "lower case keyword": (add(P, "Note    = 1"), "'Note'"),
    "dot in a keyword": (add(P, "NO.TE   = 1"), "'NO.TE'"),
    "blank in a keyword": (add(P, "NO TE   = 1"), "'NO TE'"),
    "blank before a keyword": (add(P, " NOTE   = 1"), "' NOTE'"),
    "keyword of nine letters": (add(P, "NOTATIONS= 1"), "W:no value"),
    "no blank after =": (add(P, "NOTE    =1"), "W:no value"),
    "no =": (add(P, "NOTE    1"), "W:no value"),
    "= too soon": (add(P, "NOTE = 1"), "'NOTE = 1'"),
    "open string": (add(P, "NOTE    = 'open"), "quote"),
    "open string with slash": (add(P, "NOTE    = 'open / comment"), "quote"),
    "text after a string": (add(P, "NOTE    = 'a' b"), "quote"),
    "text after a number": (add(P, "NOTE    = 12 b"), "`12 b`"),
    "text after a logical": (add(P, "NOTE    = T b"), "`T b`"),
    "no value": (add(P, "NOTE    = b"), "`b`"),
    "TRUE": (add(P, "NOTE    = TRUE"), "`TRUE`"),
    "lower case logical": (add(P, "NOTE    =                    t"), "`t`"),
    "NaN": (add(P, "NOTE    = NaN"), "NaN"),
    "two signs": (add(P, "NOTE    = --1"), "`--1`"),
    "blank in a number": (add(P, "NOTE    = 1 000"), "`1 000`"),
    "lower case exponent": (add(P, "NOTE    = 1.0e5"), "`1.0e5`"),
    "lower case d": (add(P, "NOTE    = 1.0d5"), "`1.0d5`"),
    "no exponent": (add(P, "NOTE    = 1.0E"), "`1.0E`"),
    "complex without comma": (add(P, "NOTE    = (1 2)"), "`(1 2)`"),
    "complex open": (add(P, "NOTE    = (1, 2"), "`(1, 2`"),
    "beyond a double": (add(P, "NOTE    = 1E999"), "1E999"),
    "HIERARCH without value": (add(P, "HIERARCH ESO NOTE = b"), "W:`b`"),
    "HIERARCH twice": (add(P, "HIERARCH ESO A = 1", "HIERARCH ESO A = 1"), "W:2 times"),
    "CONTINUE of nothing": (add(P, "CONTINUE  'a'"), "W:continues nothing"),
    "CONTINUE without string": (add(P, "NOTE    = 'a&'", "CONTINUE  a"), "quote"),
    "CONTINUE with =": (add(P, "NOTE    = 'a&'", "CONTINUE= 'a'"), "W:continues nothing"),
    "open CONTINUE": (add(P, "NOTE    = 'a&'", "CONTINUE  'a"), "quote"),
    "continued EXTNAME": (edit(M, "EXTNAME", "EXTNAME = 'S&'", "CONTINUE  'CI'"), "EXTNAME"),
    "twice": (add(P, "NOTE    = 1", "NOTE    = 2"), "W:2 times"),
    "NAXIS1 twice": (add(P, card("NAXIS1", "4")), "2 times"),
    "TFORM1 twice": (add(B, card("TFORM1", "'J       '")), "2 times"),
    "text after END": (edit(P, "END", "END     x"), "END"),
    "padding of the header": (put(BLOCK - 5, b"x"), "padding"),
    "zeros for padding of the header": (put(BLOCK - 80, b"\0" * 80), "padding"),
    "padding of the data": (put(2 * BLOCK - 1, b"x"), "padding"),
    "blanks for padding of the data": (put(2 * BLOCK - 80, b" " * 80), "padding"),
    "zeros for padding of an ASCII table": (put(8 * BLOCK - 80, b"\0" * 80), "padding"),
    "bytes after the last HDU": (lambda file: file + b"x" * 100, "100 bytes"),
    "block after the last HDU": (lambda file: file + b"x" * 2880, "2880 bytes"),
    "missing padding": (lambda file: file[:-100], "100 bytes"),
    # ---- mandatory keywords
    "free format SIMPLE": (edit(P, "SIMPLE", "SIMPLE  = T"), "fixed format"),
    "free format NAXIS1": (edit(P, "NAXIS1", "NAXIS1  = 4"), "fixed format"),
    "free format XTENSION": (edit(M, "XTENSION", "XTENSION=   'IMAGE   '"), "fixed format"),
    "short XTENSION": (edit(M, "XTENSION", "XTENSION= 'IMAGE'"), "fixed format"),
    "blank before IMAGE": (edit(M, "XTENSION", "XTENSION= ' IMAGE  '"), "' IMAGE'"),
    "free format PCOUNT": (edit(M, "PCOUNT", "PCOUNT  = 0"), "fixed format"),
    "free format TFIELDS": (edit(B, "TFIELDS", "TFIELDS = 6"), "fixed format"),
    "free format TBCOL1": (edit(A, "TBCOL1", "TBCOL1  = 1"), "fixed format"),
    "free format TFORM1": (edit(B, "TFORM1", "TFORM1  =   'J'"), "fixed format"),
    "free format EXTEND": (edit(P, "EXTEND", "EXTEND  = T"), ""),
    "leading zero": (edit(P, "NAXIS1", card("NAXIS01", "4"), card("NAXIS1", "4")), "NAXIS01"),
    "leading zero in TFORM": (add(B, card("TFORM01", "'J       '")), "leading zero"),
    "card before NAXIS": (edit(P, " NAXIS", "NOTE    = 1"), "NAXIS"),
    "NAXIS2 before NAXIS1": (
        edit(P, "NAXIS1", card("NAXIS2", "3"), card("NAXIS1", "4")),
        "NAXIS1",
    ),
    "order": (
        both(edit(P, "NAXIS2"), edit(P, "NAXIS1", card("NAXIS2", "3"), card("NAXIS1", "4"))),
        "NAXIS1",
    ),
    "card before PCOUNT": (edit(M, " PCOUNT", "NOTE    = 1"), "PCOUNT"),
    "no PCOUNT": (edit(M, "PCOUNT"), "PCOUNT"),
    "no GCOUNT": (edit(M, "GCOUNT"), "GCOUNT"),
    "GCOUNT before PCOUNT": (
        both(edit(M, "PCOUNT"), edit(M, "GCOUNT", card("GCOUNT", "1"), card("PCOUNT", "0"))),
        "PCOUNT",
    ),
    "card before TFIELDS": (edit(B, " TFIELDS", "NOTE    = 1"), "TFIELDS"),
    "NAXIS3 of 2 axes": (add(P, card("NAXIS3", "1")), "NAXIS3"),
    "XTENSION in the primary": (add(P, card("XTENSION", "'IMAGE   '")), "XTENSION"),
    "SIMPLE in an extension": (add(M, card("SIMPLE", "T")), "SIMPLE"),
    "EXTEND in an extension": (add(M, card("EXTEND", "T")), "EXTEND"),
    "EXTEND = F": (edit(P, "EXTEND", card("EXTEND", "F")), "EXTEND"),
    "EXTEND = 1": (edit(P, "EXTEND", card("EXTEND", "1")), "EXTEND"),
    "BLOCKED": (add(P, card("BLOCKED", "T")), "W:BLOCKED"),
    "BLOCKED in an extension": (add(M, card("BLOCKED", "T")), "BLOCKED"),
    "PCOUNT in the primary": (add(P, card("PCOUNT", "0")), "PCOUNT"),
    "GROUPS": (add(P, card("GROUPS", "F")), ""),
    "GROUPS in an extension": (add(M, card("GROUPS", "F")), ""),
    "PCOUNT of an image": (edit(M, "PCOUNT", card("PCOUNT", "4")), "PCOUNT"),
    "GCOUNT of an image": (edit(M, "GCOUNT", card("GCOUNT", "2")), "GCOUNT"),
    "PCOUNT of an ASCII table": (edit(A, "PCOUNT", card("PCOUNT", "4")), "PCOUNT"),
    "extension of another kind": (edit(M, "XTENSION", card("XTENSION", "'MINE    '")), "MINE"),
    "registered kind": (edit(M, "XTENSION", card("XTENSION", "'DUMP    '")), ""),
    "A3DTABLE": (edit(B, "XTENSION", card("XTENSION", "'A3DTABLE'")), ""),
    "IUEIMAGE": (edit(M, "XTENSION", card("XTENSION", "'IUEIMAGE'")), ""),
    # ---- reserved keywords
    "EXTNAME number": (edit(M, "EXTNAME", card("EXTNAME", "1")), "EXTNAME"),
    "EXTVER text": (edit(M, "EXTVER", card("EXTVER", "'1'")), "EXTVER"),
    "EXTVER real": (edit(M, "EXTVER", card("EXTVER", "1.5")), "EXTVER"),
    "EXTVER 1.0": (edit(M, "EXTVER", card("EXTVER", "1.0")), "EXTVER"),
    "EXTVER 0": (edit(M, "EXTVER", card("EXTVER", "0")), ""),
    "EXTLEVEL text": (add(M, card("EXTLEVEL", "'1'")), "EXTLEVEL"),
    "INHERIT text": (add(M, card("INHERIT", "'T'")), "INHERIT"),
    "INHERIT in the primary": (add(P, card("INHERIT", "T")), "W:INHERIT"),
    "INHERIT with data": (add(M, card("INHERIT", "T")), ""),
    "EXTNAME twice the same": (add(B, card("EXTNAME", "'SCI     '")), "W:2 times"),
    "same name": (edit(B, "EXTNAME", card("EXTNAME", "'SCI     '")), ""),
    "same name of images": (
        lambda file: file[: 2 * HDU] + file[HDU : 2 * HDU] + file[2 * HDU :],
        "W:SCI",
    ),
    "BSCALE text": (add(P, card("BSCALE", "'1'")), "BSCALE"),
    "BSCALE logical": (add(P, card("BSCALE", "T")), "BSCALE"),
    "BSCALE 0": (add(P, card("BSCALE", "0")), "W:BSCALE is 0"),
    "BZERO text": (add(P, card("BZERO", "'1'")), "BZERO"),
    "BUNIT number": (edit(M, "BUNIT", card("BUNIT", "1")), "BUNIT"),
    "BLANK real": (add(P, card("BLANK", "1.5")), "BLANK"),
    "BLANK of reals": (add(M, card("BLANK", "1")), "BLANK"),
    "BLANK too large": (add(P, card("BLANK", "70000")), "W:BLANK"),
    "DATAMAX text": (add(P, card("DATAMAX", "'1'")), "DATAMAX"),
    "TELESCOP number": (edit(P, "TELESCOP", card("TELESCOP", "1")), "TELESCOP"),
    "AUTHOR number": (add(P, card("AUTHOR", "1")), "AUTHOR"),
    "DATE number": (add(P, card("DATE", "2023")), "DATE"),
    "DATE of no form": (add(P, card("DATE", "'today'")), "today"),
    "DATE with a blank": (add(P, card("DATE", "'2023-11-14 22:13:20'")), "DATE"),
    "DATE with Z": (add(P, card("DATE", "'2023-11-14T22:13:20Z'")), "DATE"),
    "DATE without seconds": (add(P, card("DATE", "'2023-11-14T22:13'")), "DATE"),
    "DATE that is none": (add(P, card("DATE", "'2023-02-30'")), "day"),
    "DATE month": (add(P, card("DATE", "'2023-13-30'")), "month"),
    "DATE at 25 h": (add(P, card("DATE", "'2023-11-14T25:13:20'")), "time"),
    "DATE of old": (add(P, card("DATE", "'14/11/93'")), "W:DATE"),
    "DATE of old, 2000": (add(P, card("DATE", "'14/11/03'")), "W:DATE"),
    "DATE of old, none": (add(P, card("DATE", "'14/13/93'")), "DATE"),
    "DATE-END of no form": (add(P, card("DATE-END", "'today'")), "DATE-END"),
    "DATE-BEG number": (add(P, card("DATE-BEG", "5")), "DATE-BEG"),
    "DATEREF of no form": (add(P, card("DATEREF", "'x'")), "DATEREF"),
    "DATECUT of no form": (add(P, card("DATECUT", "'x'")), "DATECUT"),
    "EPOCH": (add(P, card("EPOCH", "2000.0")), "W:EPOCH"),
    "EQUINOX text": (add(P, card("EQUINOX", "'2000'")), "EQUINOX"),
    "RADECSYS": (add(P, card("RADECSYS", "'ICRS    '")), "W:RADECSYS"),
    "RADESYS number": (add(P, card("RADESYS", "1")), "RADESYS"),
    "RADESYS unknown": (add(P, card("RADESYS", "'MINE    '")), ""),
    "SPECSYS unknown": (add(P, card("SPECSYS", "'MINE    '")), ""),
    "MJD-OBS text": (add(P, card("MJD-OBS", "'5'")), "MJD-OBS"),
    "CTYPE number": (edit(P, "CTYPE1", card("CTYPE1", "1")), "CTYPE1"),
    "CRVAL text": (add(P, card("CRVAL1", "'1'")), "CRVAL1"),
    "CRVAL1A text": (add(P, card("CRVAL1A", "'1'")), "CRVAL1A"),
    "CD1_1 text": (add(P, card("CD1_1", "'1'")), "CD1_1"),
    "PC and CD": (add(P, card("CD1_1", "1"), card("PC1_1", "1")), "exclude"),
    "CROTA and PC": (add(P, card("CROTA2", "1"), card("PC1_1", "1")), "exclude"),
    "PV1_1 text": (add(P, card("PV1_1", "'1'")), "PV1_1"),
    "PS1_1 number": (add(P, card("PS1_1", "1")), "PS1_1"),
    "CDELT 0": (add(P, card("CDELT1", "0")), "CDELT1 is 0"),
    "WCSAXES text": (edit(P, " CTYPE1", card("WCSAXES", "'2'")), "WCSAXES"),
    "WCSAXES late": (add(P, card("WCSAXES", "2")), "WCSAXES"),
    "beyond WCSAXES": (
        both(edit(P, " CTYPE1", card("WCSAXES", "2")), add(P, card("CRVAL3", "1"))),
        "CRVAL3",
    ),
    "beyond NAXIS": (add(P, card("CRVAL3", "1")), "W:CRVAL3"),
    "CUNIT number": (add(P, card("CUNIT1", "1")), "CUNIT1"),
    "LONPOLE text": (add(P, card("LONPOLE", "'1'")), "LONPOLE"),
    "OBSGEO text": (add(P, card("OBSGEO-X", "'1'")), "OBSGEO-X"),
    "undefined EXTNAME": (edit(M, "EXTNAME", card("EXTNAME", "")), ""),
    "EXTNAME without =": (edit(M, "EXTNAME", "EXTNAME 'SCI'"), "EXTNAME"),
    "HDUVER text": (add(M, card("HDUVER", "'1'")), ""),
    "blank first letter of EXTNAME": (edit(M, "EXTNAME", card("EXTNAME", "' SCI    '")), ""),
    "TFIELDS in an image": (add(M, card("TFIELDS", "1")), "TFIELDS"),
    "TTYPE1 in an image": (add(M, card("TTYPE1", "'A       '")), "TTYPE1"),
    "TTYPE1 in the primary": (add(P, card("TTYPE1", "'A       '")), "TTYPE1"),
    "TCTYP1 in an image": (add(M, card("TCTYP1", "'A       '")), "TCTYP1"),
    "TDIM1 in an image": (add(M, card("TDIM1", "'(1)'")), "TDIM1"),
    "THEAP in an image": (add(M, card("THEAP", "1")), "THEAP"),
    "THEAP in an ASCII table": (add(A, card("THEAP", "1")), "THEAP"),
    "TDIM in an ASCII table": (add(A, card("TDIM1", "'(1)     '")), "TDIM1"),
    "TBCOL in a binary table": (add(B, card("TBCOL1", "1")), "TBCOL1"),
    "BSCALE in a table": (add(B, card("BSCALE", "1")), "BSCALE"),
    "BUNIT in a table": (add(B, card("BUNIT", "'DN      '")), "BUNIT"),
    "BLANK in an ASCII table": (add(A, card("BLANK", "1")), "BLANK"),
    "DATAMAX in a table": (add(B, card("DATAMAX", "1")), "DATAMAX"),
    # ---- columns
    "TFORM missing": (edit(B, "TFORM1"), "TFORM1"),
    "TFORM number": (edit(B, "TFORM1", card("TFORM1", "1")), "TFORM1"),
    "TFORM unknown": (edit(B, "TFORM1", card("TFORM1", "'4Z      '")), "TFORM1"),
    "TFORM lower case": (edit(B, "TFORM1", card("TFORM1", "'1j      '")), "TFORM1"),
    "TFORM with leading blank": (edit(B, "TFORM1", card("TFORM1", "' 1J     '")), "TFORM1"),
    "TFORM with more": (edit(B, "TFORM1", card("TFORM1", "'1Jxy    '")), "1Jxy"),
    "TFORM of P unknown": (edit(B, "TFORM5", card("TFORM5", "'1PZ(3)  '")), "TFORM5"),
    "TFORM of P without type": (edit(B, "TFORM5", card("TFORM5", "'1P      '")), "TFORM5"),
    "TFORM of 2P": (edit(B, "TFORM5", card("TFORM5", "'2PI(3)  '")), "TFORM5"),
    "TFORM of P, no maximum": (edit(B, "TFORM5", card("TFORM5", "'1PI     '")), ""),
    "TFORM of P, small maximum": (
        edit(B, "TFORM5", card("TFORM5", "'1PI(1)  '")),
        "row 1, column 5: more",
    ),
    "TFORM 5A3": (edit(B, "TFORM3", card("TFORM3", "'5A3     '")), "W:TFORM3"),
    "width": (edit(B, "TFORM1", card("TFORM1", "'1I      '")), "NAXIS1"),
    "TTYPE number": (edit(B, "TTYPE1", card("TTYPE1", "1")), "TTYPE1"),
    "TTYPE missing": (edit(B, "TTYPE1"), "W:TTYPE1"),
    "TTYPE twice": (edit(B, "TTYPE2", card("TTYPE2", "'number'")), "W:NUMBER"),
    "TTYPE strange": (edit(B, "TTYPE1", card("TTYPE1", "'a b-c'")), "W:a b-c"),
    "TUNIT number": (add(B, card("TUNIT1", "1")), "TUNIT1"),
    "TDIM too large": (edit(B, "TDIM2", card("TDIM2", "'(2,2)   '")), "TDIM2"),
    "TDIM smaller": (edit(B, "TDIM2", card("TDIM2", "'(1)     '")), ""),
    "TDIM of no form": (edit(B, "TDIM2", card("TDIM2", "'2       '")), "TDIM2"),
    "TDIM of letters": (edit(B, "TDIM2", card("TDIM2", "'(a)     '")), "TDIM2"),
    "TDIM with leading blank": (edit(B, "TDIM2", card("TDIM2", "' (2)    '")), "TDIM2"),
    "TDIM number": (edit(B, "TDIM2", card("TDIM2", "2")), "TDIM2"),
    "TDIM of text": (add(B, card("TDIM3", "'(5,1)   '")), ""),
    "TDIM of text too large": (add(B, card("TDIM3", "'(5,2)   '")), "TDIM3"),
    "TDIM of P": (add(B, card("TDIM5", "'(3,1)   '")), ""),
    "TDIM of bits": (add(B, card("TDIM6", "'(11,1)  '")), ""),
    "TNULL of reals": (add(B, card("TNULL2", "1")), "TNULL2"),
    "TNULL of text": (add(B, card("TNULL3", "1")), "TNULL3"),
    "TNULL of logicals": (add(B, card("TNULL4", "1")), "TNULL4"),
    "TNULL of bits": (add(B, card("TNULL6", "1")), "TNULL6"),
    "TNULL of P": (add(B, card("TNULL5", "1")), ""),
    "TNULL text": (edit(B, "TNULL1", card("TNULL1", "'1'")), "TNULL1"),
    "TNULL real": (edit(B, "TNULL1", card("TNULL1", "1.5")), "TNULL1"),
    "TNULL too large": (edit(B, "TNULL1", card("TNULL1", "4294967296")), "W:TNULL1"),
    "TNULL number in an ASCII table": (add(A, card("TNULL1", "1")), "TNULL1"),
    "TNULL in an ASCII table": (add(A, card("TNULL1", "'  -1    '")), ""),
    "TSCAL of text": (add(B, card("TSCAL3", "1")), "TSCAL3"),
    "TSCAL of logicals": (add(B, card("TSCAL4", "1")), "TSCAL4"),
    "TZERO of bits": (add(B, card("TZERO6", "1")), "TZERO6"),
    "TZERO of text in an ASCII table": (add(A, card("TZERO3", "1")), "TZERO3"),
    "TSCAL text": (add(B, card("TSCAL1", "'1'")), "TSCAL1"),
    "TSCAL 0": (add(B, card("TSCAL1", "0")), "W:TSCAL1"),
    "TDISP unknown": (edit(B, "TDISP1", card("TDISP1", "'Q8      '")), "TDISP1"),
    "TDISP of reals": (edit(B, "TDISP1", card("TDISP1", "'F8.3    '")), ""),
    "TDISP of text": (edit(B, "TDISP1", card("TDISP1", "'A8      '")), "TDISP1"),
    "TDISP number": (edit(B, "TDISP1", card("TDISP1", "8")), "TDISP1"),
    "TDISP integer of reals": (add(B, card("TDISP2", "'I8      '")), "TDISP2"),
    "TDISP of logicals": (add(B, card("TDISP4", "'I8      '")), "TDISP4"),
    "TDISP L": (add(B, card("TDISP4", "'L8      '")), ""),
    "TDISP of bits": (add(B, card("TDISP6", "'B11     '")), ""),
    "TDISP with leading blank": (edit(B, "TDISP1", card("TDISP1", "' I8     '")), "TDISP1"),
    "TDISP without width": (edit(B, "TDISP1", card("TDISP1", "'I       '")), "TDISP1"),
    "TDISP exponent": (add(B, card("TDISP2", "'E12.5E3 '")), ""),
    "TDISP EN": (add(B, card("TDISP2", "'EN12.5  '")), ""),
    "TDISP F without digits": (add(B, card("TDISP2", "'F8      '")), "F8"),
    "TDISP in an ASCII table": (add(A, card("TDISP1", "'A4      '")), "TDISP1"),
    "TTYPE7 of 6": (add(B, card("TTYPE7", "'A       '")), "TTYPE7"),
    "TFORM7 of 6": (add(B, card("TFORM7", "'J       '")), "TFORM7"),
    "TCTYP7 of 6": (add(B, card("TCTYP7", "'A       '")), "TCTYP7"),
    "TTYPE0": (add(B, card("TTYPE0", "'A       '")), "TTYPE0"),
    "THEAP text": (edit(B, "THEAP", card("THEAP", "'72'")), "THEAP"),
    "THEAP too small": (edit(B, "THEAP", card("THEAP", "70")), "THEAP"),
    "THEAP too large": (edit(B, "THEAP", card("THEAP", "79")), "THEAP"),
    "THEAP without heap": (
        both(edit(B, "PCOUNT", card("PCOUNT", "0")), put(5 * BLOCK + 72, bytes(6))),
        "THEAP",
    ),
    "TBCOL missing": (edit(A, "TBCOL1"), "TBCOL1"),
    "TBCOL text": (edit(A, "TBCOL1", card("TBCOL1", "'1'")), "TBCOL1"),
    "TBCOL 0": (edit(A, "TBCOL1", card("TBCOL1", "0")), "TBCOL1"),
    "TBCOL beyond": (edit(A, "TBCOL3", card("TBCOL3", "13")), "TBCOL3"),
    "TFORM of an ASCII table": (edit(A, "TFORM1", card("TFORM1", "'J       '")), "TFORM1"),
    "TFORM 4I": (edit(A, "TFORM1", card("TFORM1", "'4I      '")), "TFORM1"),
    "TFORM F5": (edit(A, "TFORM2", card("TFORM2", "'F5      '")), "TFORM2"),
    "columns that overlap": (edit(A, "TBCOL2", card("TBCOL2", "3")), "no number"),
    # ---- cells
    "logical 1": (put(5 * BLOCK + 25, b"\1"), "logical"),
    "text that is no ASCII": (put(5 * BLOCK + 21, b"\xe9"), "column 3"),
    "bits beyond the column": (put(5 * BLOCK + 35, b"\xff"), "bits"),
    "beyond the heap": (put(5 * BLOCK + 26, struct.pack(">ii", 3, 40)), "heap"),
    "negative length": (put(5 * BLOCK + 26, struct.pack(">ii", -3, 0)), "heap"),
    "number of letters": (put(7 * BLOCK, b"  x7"), "'x7'"),
    "number without point": (put(7 * BLOCK + 5, b"  150"), "W:decimal point"),
    "number with blank": (put(7 * BLOCK, b"1  7"), "'1  7'"),
    "no ASCII in an ASCII table": (put(7 * BLOCK + 11, b"\xe9"), "row 1"),
    "control in an ASCII table": (put(7 * BLOCK + 11, b"\x01"), "row 1"),
    # ---- sums
    "DATASUM": (add(P, "DATASUM = '1234    '"), "DATASUM"),
    "DATASUM number": (add(P, "DATASUM = 1234"), "DATASUM"),
    "CHECKSUM": (add(P, "CHECKSUM= 'abcdefghijklmnop'"), "CHECKSUM"),
    "CHECKSUM number": (add(P, "CHECKSUM= 1234"), "CHECKSUM"),
}
