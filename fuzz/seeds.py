"""What the corpus began with: `python -m fuzz.seeds DIRECTORY` writes it, a directory a target.

In: the cases of the tests, and nothing else. Out: small files of every kind that fitsgen reads.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from fitsgen.blocks import BLOCK, CARD
from fitsgen.provenance import cards as record_cards
from fitsgen.provenance.record import Asked, File, Include, Record, to_json
from fuzz.targets import CORPUS, TARGETS

TESTS = Path(__file__).parents[1] / "tests"
_PART = re.compile(r"^=== (.+)\n", re.MULTILINE)

XML = """<?xml version="1.0"?>
<root xmlns="u" xmlns:p="v"><a k="v">text</a><p:b>1</p:b><c><b>x</b><b/></c><!-- c --></root>
"""
PROP = """<?xml version="1.0"?>
<Proposal><Observation><Visit><VisitGroup><ParallelSequenceID><Activity><Exposure>
<Detector><base>a.fits</base><subarray>SUB64</subarray><exp_type>NRS_IFU</exp_type></Detector>
<Detector base="b.fits" exp_type="NRS_IMAGE"/>
</Exposure></Activity></ParallelSequenceID></VisitGroup></Visit></Observation></Proposal>
"""
MANIFEST = """{"inputs": ["a.fits", "obsid=b.dat"], "template": "nirspec_ifu_level1b"}
{"inputs": ["c.fits"], "output": "d/e.fits", "parameters": {"seed": 1, "list": [1, 2.5, null]}}

{"inputs": ["d.fits"], "frame": "raw", "subarray": "SUB64"}
"""


def main(directory: Path) -> None:
    """Write the seeds of every target."""
    for target in TARGETS:
        if target.shares:
            continue
        place = directory / target.name
        place.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(dict.fromkeys(SEEDS[target.name]())):
            (place / f"seed-{number:03}").write_bytes(seed)
    (CORPUS.parent / "source.fits").write_bytes(next(_files()))


def templates() -> Iterator[bytes]:
    """Give the templates of the test cases."""
    return _parts(lambda name: name.endswith((".gen.txt", ".gen.inc")))


def rules() -> Iterator[bytes]:
    """Give the verification templates of the test cases."""
    return _parts(lambda name: name.endswith((".val.txt", ".val.inc")))


def data_files() -> Iterator[bytes]:
    """Give the data files of the test cases, and one with every kind of value."""
    yield b"<<file obsid>>\nA = 'text' / c\nB = [1, -2.5, T, (1,), {'a': None}]\n<<header m>>\nC="
    yield from _parts(lambda name: name.endswith(".dat"))


def expressions() -> Iterator[bytes]:
    """Give the expressions of the tests, the hostile ones too."""
    known = json.loads((TESTS / "data" / "expressions.json").read_text(encoding="utf-8"))
    yield from (text.encode() for text in known["legitimate"])
    yield from (one["expression"].encode() for one in known["hostile"])
    yield from (line.partition(b"=")[2].strip() for line in b"\n".join(templates()).split(b"\n"))


def files() -> Iterator[bytes]:
    """Give FITS files of every kind, the smallest that have what they are to show."""
    yield from _files()
    yield gzip.compress(next(_files()), mtime=0)


def cards() -> Iterator[bytes]:
    """Give the cards of the FITS files, five at a time."""
    for file in _files():
        for start in range(0, len(file), BLOCK):
            block = file[start : start + BLOCK]
            if block.startswith((b"SIMPLE", b"XTENSION")):
                text = block.partition(b"END     ")[0].rstrip()
                yield from (text[at : at + 5 * CARD] for at in range(0, len(text), 5 * CARD))


def proposals() -> Iterator[bytes]:
    """Give XML, and archives of it."""
    yield XML.encode()
    yield XML.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16")
    for name in ("proposal.xml", "../proposal.xml"):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", method) as archive:
                archive.writestr(zipfile.ZipInfo(name), XML, method)
                archive.writestr(zipfile.ZipInfo("manifest"), "1", method)
            yield target.getvalue()


def paths() -> Iterator[bytes]:
    """Give paths of elements."""
    for path in ("./a", ".//b", "/root/c/b[2]", "//p:b", "*[@k='v']", "c[b='x']/b[last()]", "{v}b"):
        yield path.encode()


def _parts(wanted: Callable[[str], bool]) -> Iterator[bytes]:
    for path in sorted((TESTS / "cases").glob("*/*.txt")):
        _, *parts = _PART.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if wanted(name):
                yield text.encode()


def _files() -> Iterator[bytes]:
    warnings.simplefilter("ignore")
    image = np.arange(12, dtype="i2").reshape(3, 4)
    yield _saved(_primary(image), _table())
    for dtype in ("u1", "i4", "i8", "f4", "f8", "u2", "u4", "u8", "i1"):
        yield _saved(_primary(image.astype(dtype)))
    scaled = fits.PrimaryHDU(image)
    scaled.header.update(BLANK=3)
    scaled.scale("int16", bscale=0.5, bzero=10)
    yield _saved(scaled)
    named = (fits.ImageHDU(image[0], name="ONE"), fits.ImageHDU(image, name="ONE"))
    yield _saved(_with_cards(), *named)
    yield _saved(fits.PrimaryHDU(), _table())
    yield _saved(fits.PrimaryHDU(), _variable())
    yield _saved(fits.PrimaryHDU(), _ascii())
    yield _saved(fits.PrimaryHDU(), fits.CompImageHDU(image, compression_type="GZIP_1"))
    yield _groups()
    foreign = _saved(fits.PrimaryHDU(), fits.ImageHDU(image))
    yield foreign.replace(b"'IMAGE   '", b"'FOREIGN '")
    yield _saved(_primary(image), checksum=True)
    yield _saved(_primary(image))[:-100]
    yield _saved(_primary(image)) + b"more than there should be"


def _saved(*hdus: Any, checksum: bool = False) -> bytes:
    target = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(target)
    if checksum:
        for hdu in hdus:
            hdu.add_checksum(when="2020-01-01T00:00:00")
        target = io.BytesIO()
        fits.HDUList(list(hdus)).writeto(target)
    # astropy would scale the numbers itself.
    return target.getvalue().replace(b"XSCAL", b"TSCAL").replace(b"XZERO", b"TZERO")


def _primary(image: NDArray[Any]) -> fits.PrimaryHDU:
    hdu = fits.PrimaryHDU(image)
    hdu.header["OBS_ID"] = ("V01234001001P", "an identifier")
    hdu.header["NINTS"] = (2, "a number")
    hdu.header["ANGLE"] = 1.5
    return hdu


def _with_cards() -> fits.PrimaryHDU:
    hdu = fits.PrimaryHDU()
    header = hdu.header
    header["LONG"] = ("text " * 30, "a comment that goes on")
    header["HIERARCH ESO DET ID"] = (5, "hierarch")
    header["QUOTE"] = "it's"
    header["COMPLEX"] = 1 + 2j
    header["UNDEF"] = (None, "nothing")
    header["GOOD"] = True
    header["BIG"] = 123456789012345678901234567890
    header["SMALL"] = (1.5e-300, "small")
    header["COMMENT"] = "a comment"
    header["HISTORY"] = "of this file"
    header[""] = "a heading"
    header["DATE-OBS"] = "2020-01-01T00:00:00"
    header["CTYPE1"] = "RA---TAN"
    return hdu


def _table() -> fits.BinTableHDU:
    columns = [
        fits.Column("FLUX", "E", array=[1, 2, 3], unit="Jy"),
        fits.Column("NAME", "8A", array=["a", "bc", ""]),
        fits.Column("GOOD", "L", array=[True, False, True]),
        fits.Column("BITS", "3X", array=np.ones((3, 3), bool)),
        fits.Column("VECTOR", "4J", dim="(2,2)", array=np.arange(12).reshape(3, 2, 2)),
        fits.Column("COUNT", "I", bzero=32768, array=np.array([0, 1, 65535], "u2")),
        fits.Column("SCALED", "I", null=-1, array=[1, 2, -1]),
        fits.Column("WAVE", "M", array=[1j, 2, 3]),
        fits.Column("WORDS", "6A", dim="(3,2)", array=np.array([["a", "b"]] * 3)),
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="TAB")
    hdu.header["XSCAL7"], hdu.header["XZERO7"] = 0.5, 1.0  # `_saved` makes them TSCAL7 and TZERO7
    return hdu


def _variable() -> fits.BinTableHDU:
    arrays = np.array([np.arange(2), np.arange(0), np.arange(3)], dtype=object)
    columns = [
        fits.Column("A", "PJ()", array=arrays),
        fits.Column("B", "QD()", array=arrays),
        fits.Column("C", "PA()", array=np.array(["ab", "", "c"], dtype=object)),
    ]
    return fits.BinTableHDU.from_columns(columns, name="VAR")


def _groups() -> bytes:
    """Return random groups, written by hand: astropy writes none to memory."""
    values = ("T", "-32", "2", "0", "4", "T", "1", "3")
    names = ("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "GROUPS", "PCOUNT", "GCOUNT")
    cards = [f"{name:8}= {value:>20}" for name, value in zip(names, values, strict=True)]
    text = "".join(card.ljust(CARD) for card in [*cards, "END"])
    return text.ljust(BLOCK).encode() + bytes(BLOCK)


def _ascii() -> fits.TableHDU:
    columns = [
        fits.Column("A", "I6", array=[1, -2, 3], null="-2", ascii=True),
        fits.Column("B", "F8.3", array=[1.5, 2, 3], ascii=True),
        fits.Column("C", "E12.4", array=[1e10, 2, 3], ascii=True),
        fits.Column("D", "A4", array=["a", "b", "cdef"], ascii=True),
    ]
    hdu = fits.TableHDU.from_columns(columns, name="TXT")
    hdu.header["XSCAL3"], hdu.header["XZERO3"] = 2.0, -1.0
    return hdu


def records() -> Iterator[bytes]:
    """Give the record of a file, as JSON and as the texts of HISTORY cards."""
    digest = "0123456789abcdef" * 4
    template = File("t.gen.txt", "/data/t.gen.txt", 10, digest)
    asked = Asked("detector", "SUB64", True, False, True, "out.fits")
    record = Record(
        *("0.1", "3.11.7", "2.1.0", "Linux x86_64", "2020-01-02T03:04:05.678000"),
        ("/data",), ("a set",), template, (Include("i.gen.inc", digest),),
        (File("input", "/data/a long name of a file.fits", 2880, digest), template),
        {"seed": "1", "name": "'text'", "list": "[1, 2.5, None]"}, asked,
    )  # fmt: skip
    yield to_json(record).encode()
    yield "\n".join(record_cards.texts(record)).encode()


SEEDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "template": templates,
    "rules": rules,
    "expression": expressions,
    "datafile": data_files,
    "fits": files,
    "cards": cards,
    "proposal": proposals,
    "path": paths,
    "exposures": lambda: [PROP.encode()],
    "manifest": lambda: [MANIFEST.encode()],
    "record": records,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
