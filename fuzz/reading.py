"""What strangers may give as inputs: FITS files, data files, proposals, manifests.

In: bytes. Out: nothing; an exception that is no answer to a damaged input is a crash.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fitsgen.diagnostics import InputError, Source
from fitsgen.inputs.apt import AptProposal, read_apt
from fitsgen.inputs.datafile import read_data_file
from fitsgen.inputs.fits import FitsFile, InputHDU, Kind, MissingHDU
from fitsgen.inputs.headers import Header
from fitsgen.inputs.tables import TableData
from fitsgen.inputs.xml import parse
from fitsgen.jwst.proposal import read_proposal
from fitsgen.manifest import Entry, read_manifest
from fitsgen.provenance.cards import record_among, texts
from fitsgen.provenance.source import read_record
from fitsgen.show import fits_as_template
from fitsgen.verification.standard import faults
from fuzz.material import in_memory, written
from fuzz.watch import WATCH

# More than any file of the corpus has: only what claims more than it has is larger.
MAX_BYTES = 1 << 20
SMALL = """<root xmlns="u" xmlns:p="v">
<a k="v">text</a><p:b>1</p:b><c><b>x</b><b/><b><a/></b></c><a>more</a></root>"""
PATHS = ("./a", ".//b", "/root", "//p:b", "./*/b[2]", ".//a[@k='v']", ".//a[b='x']/..", ".")


def fits(data: bytes) -> None:
    """Open a FITS file and read all there is: cards, structure, pixels, columns."""
    with in_memory(data) as path, WATCH.over(path), suppress(InputError):
        _all_of(path)


def standard(data: bytes) -> None:
    """Check a file against the standard, and write it as a template."""
    with in_memory(data) as path, WATCH.over(path):
        with suppress(InputError), FitsFile.open(path) as file:
            for fault in faults(file):
                str(fault)
        with suppress(InputError):
            for line in fits_as_template(Path(path)):
                line.encode("utf-8")


def data_file(data: bytes) -> None:
    """Read a data file, and look its values up."""
    path = written("fuzz.dat", data)
    with WATCH.over(path), suppress(InputError):
        found = read_data_file(path)
        for name, values in found.sections:
            for keyword in values:
                assert found.find(keyword, name)[0]


def proposal(data: bytes) -> None:
    """Read an APT proposal, XML or zip, and follow paths in it."""
    path = written("proposal.aptx", data)
    with WATCH.over(path), suppress(InputError):
        found = read_apt(str(path))
        for place in PATHS:
            _followed(found, place)
        _followed(found, f"./{found.document.root.tag}")


def path_in_xml(data: bytes) -> None:
    """Follow any path in a proposal that is right."""
    text = data.decode("utf-8", "replace")
    with WATCH.over():
        _followed(_small_proposal(), text)


def exposures(data: bytes) -> None:
    """Read a `.prop` file of planned exposures."""
    path = written("01234.prop", data)
    with WATCH.over(path), suppress(InputError):
        read_proposal(path)


def manifest(data: bytes) -> None:
    """Read a manifest: every line is an entry, or wrong with a reason."""
    path = written("fuzz.jsonl", data)
    with WATCH.over(path):
        for entry in read_manifest(path):
            if isinstance(entry, Entry):
                assert entry.inputs
            else:
                assert entry.problems


@functools.cache
def _small_proposal() -> AptProposal:
    return AptProposal(parse(SMALL.encode(), Source("fuzz.xml")))


def record(data: bytes) -> None:
    """Read the record of what a file was made from: JSON, or the texts of HISTORY cards."""
    if data.startswith(b"{"):
        path = written("fuzz.json", data)
        with WATCH.over(path), suppress(InputError):
            read_record(path)
        return
    with WATCH.over(), suppress(ValueError):
        found = record_among(data.decode("latin-1").split("\n"))
        if found:
            assert record_among(texts(found)) == found


def _attempt(read: Callable[[], object]) -> None:
    """Read what may be refused without a word about the rest."""
    with suppress(InputError, MissingHDU):
        read()


def _header(header: Header) -> None:
    for number, card, wrong in header.attempts():
        assert number > 0
        # What a reader is told is what it is told when it asks for the keyword.
        if not wrong:
            assert card.raw
    for keyword in dict.fromkeys(header.keys()):
        _attempt(partial(header.__getitem__, keyword))
        _attempt(partial(header.comment, keyword))
        assert keyword in header
    header.get("NONE"), header.duplicates, header.count("COMMENT")


def _all_of(path: str) -> None:
    with FitsFile.open(path) as file:
        for number, hdu in enumerate(file):
            _header(hdu.header)
            _attempt(partial(_structure, hdu))
            _attempt(partial(_data, hdu))
            _attempt(partial(_found, file, number, hdu))
        str(file.problems), file.leftover


def _found(file: FitsFile, number: int, hdu: InputHDU) -> None:
    assert file[number] is hdu
    assert file[hdu.name] is not None


def _structure(hdu: InputHDU) -> None:
    str(hdu), hdu.name, hdu.shape
    hdu.raw_header(), len(hdu.raw_data()), hdu.padding()


def _data(hdu: InputHDU) -> None:
    # Decoders of compressed images are C, with holes of their own: they have processes of
    # their own (fitsgen.workers), which a fuzzer cannot look into.
    if hdu.kind is Kind.COMPRESSED:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        match hdu.data:
            case None:
                pass
            case TableData() as table:
                _table(table)
            case pixels:
                _pixels(pixels)


def _pixels(pixels: Any) -> None:
    assert pixels.nbytes <= 8 * MAX_BYTES
    array = np.asarray(pixels)
    assert array.shape == pixels.shape
    assert array.dtype == pixels.dtype


def _table(table: TableData) -> None:
    for name in table.names:
        _attempt(partial(_column, table, name))
    table.raw_rows(), table.heap(), len(table[1:3]), table.shape


def _column(table: TableData, name: str) -> None:
    column = table[name]
    assert isinstance(column, np.ndarray)
    assert len(column) == len(table)
    assert not column.flags.writeable


def _followed(found: AptProposal, path: str) -> None:
    # What an expression is told: a ValueError is a failure of its card.
    with suppress(ValueError):
        there, text = found.find(path, 0)
        assert isinstance(text, str) if there else text is None
