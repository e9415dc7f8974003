"""A path to the text of a template, decoded and bounded, or to the problem with it."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from fitsgen.diagnostics import CompileError, Position, Problem, Source

# A FITS header of this many cards is 4 MB; a template beyond it is a mistake (data given as a
# template, say). It is refused before it costs time: a line takes a tenth of a ms, a MB a second.
MAX_LINES = 50_000
MAX_BYTES = 4 * 1024 * 1024

# A line with its continuations. Brackets are matched by the parser, whose time grows with the
# square of those that are open, and whose memory is a hundred times the longest line.
_WHOLE_LINE = re.compile(r"(?:[^\\\n]++|\\(?![ \t]*\n)|\\[ \t]*\n)++")
MAX_BRACKETS = 2_000
MAX_LINE = 100_000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def read_text(path: Path, name: str) -> tuple[str, Source]:
    """Read a template file.

    Raises `CompileError` for a file that is missing, no regular file, not
    UTF-8, too large, or that holds control characters.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _fault("not a regular file", Source(name))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _fault(f"cannot be read: {error.strerror or error}", Source(name)) from None
    return decode(raw, name)


def decode(raw: bytes, name: str) -> tuple[str, Source]:
    """Decode the bytes of a template; raises `CompileError` as `read_text` does."""
    if len(raw) > MAX_BYTES or raw.count(b"\n") > MAX_LINES:
        raise _fault(
            f"too large for a template: more than {MAX_LINES} lines or {MAX_BYTES >> 20} MiB",
            Source(name),
        )
    if raw.startswith((b"SIMPLE  =", b"\x1f\x8b")):
        hint = "fitsgen show makes a template of a FITS file"
        raise CompileError(Problem("no template, but FITS or gzip", Position(Source(name)), hint))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_utf8(raw, name, error.start) from None
    source = Source(name, tuple(text.split("\n")))
    if control := _CONTROL.search(text):
        raise _control(text, source, control.start())
    if len(text) > MAX_BRACKETS:
        _bound_lines(text, source)
    return text, source


def _bound_lines(text: str, source: Source) -> None:
    for line in _WHOLE_LINE.finditer(text):
        size, opened = len(line[0]), sum(line[0].count(bracket) for bracket in "([{")
        if size <= MAX_LINE and opened <= MAX_BRACKETS:
            continue
        message = f"a line with {opened} brackets; {MAX_BRACKETS} are allowed"
        if size > MAX_LINE:
            message = f"a line of {size} characters; {MAX_LINE} are allowed"
        at = Position(source, text.count("\n", 0, line.start()) + 1, 1)
        raise CompileError(Problem(message, at))


def _not_utf8(raw: bytes, name: str, offset: int) -> CompileError:
    before = raw[:offset].decode("utf-8", "replace")
    lines = tuple(raw.decode("utf-8", "replace").split("\n"))
    at = Position(Source(name, lines), before.count("\n") + 1, len(before.rsplit("\n", 1)[-1]) + 1)
    hint = "save the template as UTF-8"
    return CompileError(Problem(f"byte 0x{raw[offset]:02X} is not UTF-8", at, hint))


def _control(text: str, source: Source, offset: int) -> CompileError:
    before = text[:offset]
    at = Position(source, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
    character = ord(text[offset])
    what = "a NUL" if character == 0 else f"control character 0x{character:02X}"
    hint = "is it UTF-16? save it as UTF-8" if character == 0 else ""
    return CompileError(Problem(f"{what} in a template", at, hint))


def _fault(message: str, source: Source) -> CompileError:
    return CompileError(Problem(message, Position(source)))
