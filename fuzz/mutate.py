"""Changes that keep a text or a file near to a right one, so that they reach beyond a first check.

In: bytes and dice. Out: bytes. Where an input is too far off already, it comes back as it was.
"""

from __future__ import annotations

import ast
import io
import re
import warnings
import zipfile
from collections.abc import Callable
from itertools import pairwise
from random import Random

from fitsgen.blocks import BLOCK, CARD

Mutate = Callable[[bytes, Random], bytes]

VALUES = (
    *("0", "1", "2", "3", "-1", "7", "8", "16", "32", "-32", "-64", "999", "1000", "2147483648"),
    *("9223372036854775807", "1000000000000", "16.0", "1E400", "NaN", "T", "F", "", "1 2", "(1,2)"),
    *("'IMAGE   '", "'TABLE   '", "'BINTABLE'", "'FOREIGN '", "'x&'", "'", "'it''s'", "''"),
    *("'1J'", "'PE(3)'", "'QD'", "'0A'", "'3X'", "'8A'", "'I4'", "'F8.3'", "'E15.7'", "'A3'"),
    *("'(2,2)'", "'(0)'", "32768", "2147483648.", "-128", "0.5", "1E300", "'99'"),
)
NAMES = ("proposal.xml", "manifest", "../proposal.xml", "/proposal.xml", "Proposal.XML", "a/b")
KEYWORDS = (
    *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT"),
    *("GROUPS", "TFIELDS", "TFORM1", "TFORM2", "TBCOL1", "TDIM1", "TTYPE1", "TSCAL1", "TZERO1"),
    *("TNULL1", "THEAP", "BSCALE", "BZERO", "BLANK", "ZIMAGE", "EXTNAME", "EXTVER", "CHECKSUM"),
    *("DATASUM", "DATE", "COMMENT", "CONTINUE", "END", "HIERARCH ESO A"),
)


def cards(data: bytes, dice: Random) -> bytes:
    """Change one card of a header."""
    found = [data[at : at + CARD].ljust(CARD) for at in range(0, len(data), CARD)]
    return b"".join(_changed(found, dice))


def fits(data: bytes, dice: Random) -> bytes:
    """Change a card, the padding or the data of a file, or put its HDUs in another order."""
    units = _units(data)
    if not units:
        return data
    number = dice.randrange(len(units))
    header, body = units[number]
    match dice.randrange(10):
        case 0:
            units.insert(dice.randrange(len(units) + 1), units[number])
        case 1:
            del units[number]
        case 2:
            units[number] = header, body[: dice.randrange(len(body) + 1)]
        case 3 if body:
            at = dice.randrange(len(body))
            units[number] = header, body[:at] + dice.randbytes(4) + body[at + 4 :]
        case _:
            units[number] = _changed(header, dice), body
    return b"".join(_block(header) + body for header, body in units)


def lines(data: bytes, dice: Random) -> bytes:
    """Take out, double, move or cut a line."""
    found = data.split(b"\n")
    if dice.random() < 0.02:
        at = dice.randrange(len(found))
        found[at] = _repeated(found[at], dice)
        return b"\n".join(found)
    return b"\n".join(_shuffled(found, dice))


def elements(data: bytes, dice: Random) -> bytes:
    """Take out, double or move a tag."""
    return b"".join(_shuffled(re.split(rb"(?=<)", data), dice))


def archive(data: bytes, dice: Random) -> bytes:
    """Change the XML, in its archive where it has one, or what the archive says of its files."""
    if not data.startswith(b"PK"):
        return elements(data, dice)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            files = [(one, old.read(one)) for one in old.infolist() if one.file_size < 10_000]
    except Exception:  # what a damaged archive raises is of every class there is
        return data
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as new, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two files of one name
        for entry, content in files:
            name = dice.choice((entry.filename, entry.filename, *NAMES))
            method = dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            text = elements(content, dice) if dice.random() < 0.5 else content
            new.writestr(zipfile.ZipInfo(name), text, method)
    return target.getvalue()


def expression(data: bytes, dice: Random) -> bytes:
    """Put one part of an expression in the place of another."""
    if dice.random() < 0.02:
        return _repeated(data, dice)
    try:
        tree = ast.parse(data.decode().strip(), mode="eval")
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
        target, part = dice.choice(nodes), dice.choice(nodes)
        return ast.unparse(_Replaced(target, _wrapped(part, dice)).visit(tree)).encode()
    except (SyntaxError, ValueError, RecursionError, MemoryError, AttributeError, TypeError):
        return data


class _Replaced(ast.NodeTransformer):
    def __init__(self, target: ast.expr, part: ast.expr) -> None:
        self.target = target
        self.part = part

    def visit(self, node: ast.AST) -> ast.AST:
        return self.part if node is self.target else super().generic_visit(node)


def _wrapped(part: ast.expr, dice: Random) -> ast.expr:
    """Return a part of an expression, alone or inside something else."""
    other = ast.Constant(dice.choice([0, 1, 2, -1, 1.5, "a", "", True, None]))
    match dice.randrange(9):
        case 0:
            return ast.List([part, other])
        case 1:
            operator = dice.choice([ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow])
            return ast.BinOp(part, operator(), other)
        case 2:
            return ast.Subscript(part, other)
        case 3:
            function = ast.Name(dice.choice(["str", "int", "list", "len", "sorted"]))
            return ast.Call(function, [part], [])
        case 4:
            return ast.IfExp(part, other, part)
        case 5:
            return ast.Compare(part, [dice.choice([ast.In, ast.Eq, ast.Lt])()], [other])
        case 6:
            return other
    return part


def _repeated(text: bytes, dice: Random) -> bytes:
    """Return a text of which a small piece stands there many times."""
    at = dice.randrange(len(text) + 1)
    piece = dice.choice((text[at : at + dice.randrange(1, 6)], b"-", b"+1", b"not ", b"()", b"["))
    return text[:at] + piece * dice.choice((3, 30, 300)) + text[at:]


def _shuffled(found: list[bytes], dice: Random) -> list[bytes]:
    at, other = dice.randrange(len(found)), dice.randrange(len(found))
    match dice.randrange(5):
        case 0:
            del found[at]
        case 1:
            found.insert(other, found[at])
        case 2:
            found[at], found[other] = found[other], found[at]
        case 3:
            found[at] = found[at][: dice.randrange(len(found[at]) + 1)]
        case 4:
            half = len(found[at]) // 2
            found[at] = found[at][:half] + found[other][len(found[other]) // 2 :]
    return found


def _units(data: bytes) -> list[tuple[list[bytes], bytes]]:
    """Take a file apart: the cards of each header before END, and what follows its block."""
    units = []
    starts = [found.start() for found in re.finditer(rb"SIMPLE  =|XTENSION=", data)]
    starts = [start for start in starts if start % BLOCK == 0]
    for start, end in pairwise([*starts, len(data)]):
        part = data[start:end]
        cards = [part[at : at + CARD] for at in range(0, len(part), CARD)]
        ends = (number for number, card in enumerate(cards) if card.startswith(b"END     "))
        count = next(ends, None)
        if count is not None:
            body = -(-(count + 1) * CARD // BLOCK) * BLOCK
            units.append((cards[:count], part[body:]))
    return units


def _block(header: list[bytes]) -> bytes:
    text = b"".join(header) + b"END".ljust(CARD)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)


def _changed(found: list[bytes], dice: Random) -> list[bytes]:
    """Change one of some cards."""
    if not found:
        return [_card(dice)]
    at, other = dice.randrange(len(found)), dice.randrange(len(found))
    match dice.randrange(32):
        case 0:
            found[at : at + 1] = _continued(found[at], dice)
        case number if number < 12:
            value = dice.choice(VALUES).encode()
            found[at] = (found[at][:10] + value.rjust(20))[:CARD].ljust(CARD)
        case number if number < 16:
            found[at], found[other] = found[other], found[at]
        case number if number < 20:
            del found[at]
        case number if number < 24:
            found.insert(other, found[at])
        case number if number < 28:
            found.insert(at, _card(dice))
        case _:
            place = dice.randrange(CARD)
            letter = dice.choice(b" '/&=\0\xe9.E(T9")
            found[at] = found[at][:place] + bytes([letter]) + found[at][place + 1 :]
    return found


def _continued(card: bytes, dice: Random) -> list[bytes]:
    """Return a card whose text goes on for thousands of characters, most of them the same."""
    text = bytes([dice.choice(b"19 (A")]) * dice.choice((100, 5000)) + dice.choice(
        (b"J", b")", b"")
    )
    start = dice.choice((b"", b"8A", b"1PJ(", b"(2,", b"F8."))
    pieces = [(start + text)[at : at + 67] for at in range(0, len(text) + len(start), 67)]
    heads = [card[:8] + b"= ", *[b"CONTINUE  "] * (len(pieces) - 1)]
    cards = [head + b"'" + piece + b"&'" for head, piece in zip(heads, pieces, strict=True)]
    return [card.ljust(CARD) for card in cards]


def _card(dice: Random) -> bytes:
    keyword, value = dice.choice(KEYWORDS), dice.choice(VALUES)
    return f"{keyword:8}= {value:>20}".encode()[:CARD].ljust(CARD)
