"""A file to the record that it holds: JSON, or a FITS file with the record in its HISTORY.

In: a path. Out: a `Recorded`, or an `InputError` that says what is wrong.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from fitsgen.diagnostics import input_error
from fitsgen.inputs.content import Span, Window
from fitsgen.inputs.headers import Place, read_header
from fitsgen.inputs.opening import open_file
from fitsgen.provenance.cards import record_among
from fitsgen.provenance.record import MAX_SIZE, Record, from_json


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record, and where it was found; a FITS file is what it tells of, too."""

    record: Record
    path: Path
    is_output: bool


def read_record(path: Path) -> Recorded:
    """Return the record that a file holds.

    Raises
    ------
    InputError
        It cannot be read, is neither kind of file, has no record, or a wrong one.

    """
    text = _json_text(path)
    try:
        if text is not None:
            return Recorded(from_json(text), path, is_output=False)
        record = _in_header(path)
    except ValueError as error:
        raise input_error(str(path), f"this is no record of a file: {error}") from None
    if record is None:
        hint = "`fitsgen convert --history` writes one"
        raise input_error(str(path), "there is no record of fitsgen in its HISTORY", hint)
    return Recorded(record, path, is_output=True)


def _json_text(path: Path) -> str | None:
    """Return what a file holds if it may be JSON; what is too long is cut."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise input_error(str(path), "not a regular file")
        with path.open("rb") as file:
            head = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise input_error(str(path), f"cannot be read: {error.strerror or error}") from None
    return head.decode("utf-8", "replace") if head.lstrip().startswith(b"{") else None


def _in_header(path: Path) -> Record | None:
    """Return the record in the primary header; the rest of the file may be as damaged as it is."""
    file = open_file(str(path))
    header, _ = read_header(Window(Span(file, 0, file.size)), 0, Place(str(path), 0))
    history = header.get("HISTORY", [])
    return record_among([str(text) for text in history] if isinstance(history, list) else [])
