"""Damaged FITS files: what can be put up with is a warning, the rest one error, soon and small."""

from __future__ import annotations

import gzip
import math
import os
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

import fitsgen
from fitsgen.diagnostics import FitsgenError, InputError
from fitsgen.inputs import open_inputs
from fitsgen.inputs.content import OpenFile
from fitsgen.inputs.fits import FitsFile
from fitsgen.lazy.cast import Misfit, cast

BLOCK = 2880


def header(*cards: str) -> bytes:
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("latin-1")


def cards(first: str, bitpix: object = 8, *axes: object, **more: object) -> tuple[str, ...]:
    found = {"BITPIX": bitpix, "NAXIS": len(axes)}
    found |= {f"NAXIS{n}": axis for n, axis in enumerate(axes, 1)} | more
    return (first, *(f"{key:8}= {value:>20}" for key, value in found.items()))


def primary(bitpix: object = 8, *axes: object, **more: object) -> bytes:
    return header(*cards("SIMPLE  =                    T", bitpix, *axes, **more))


def extension(kind: str, bitpix: object = 8, *axes: object, **more: object) -> bytes:
    more = {"PCOUNT": 0, "GCOUNT": 1, **more}
    return header(*cards(f"XTENSION= '{kind:8}'", bitpix, *axes, **more))


def padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def table(rows: bytes, count: int, heap: bytes = b"", **more: object) -> bytes:
    width = len(rows) // max(count, 1)
    first = {"PCOUNT": len(heap), "TFIELDS": 1}
    return (
        primary()
        + extension("BINTABLE", 8, width, count, **{**first, **more})
        + padded(rows + heap)
    )


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(content: bytes, name: str = "raw.fits") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


# A file that becomes shorter while it is in use


SHRINK = """
import os, sys
from fitsgen.inputs import fits
path, size, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if when == "before the headers":
    open_file = fits.open_file
    def shrinking(given):
        file = open_file(given)
        os.truncate(path, size)
        return file
    fits.open_file = shrinking
else:
    scan = fits.FitsFile._scan
    def shrinking(self):
        scan(self)
        os.truncate(path, size)
    fits.FitsFile._scan = shrinking
from fitsgen.cli import main
main(sys.argv[4:])
"""
TEMPLATES = {
    "copy": "input[1].data",
    "turn": "input[1].data.T",
    "compute": "input[1].data + 1",
    "sparse": "input[1].data[::1000, 7]",
    "table": "input[2].data",
    "column": "input[2].data['A']",
    "variable": "{'B': input[2].data['B']}",
    "ascii": "{'C': input[3].data['C']}",
}


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Write a file with an image of 32 MiB that is nearly no bytes on the disk, and tables."""
    path = tmp_path / "raw.fits"
    ragged = np.array([np.arange(3), np.arange(5)], object)
    columns = [fits.Column("A", "J", array=[1, 2]), fits.Column("B", "PJ()", array=ragged)]
    letters = [fits.Column("C", "I4", ascii=True, array=[1, 2])]
    tables = fits.HDUList([fits.BinTableHDU.from_columns(columns)])
    tables.append(fits.TableHDU.from_columns(letters))
    with open(path, "wb") as file:
        file.write(primary() + extension("IMAGE", 16, 4096, 4096))
        file.seek(-(-(4096 * 4096 * 2) // BLOCK) * BLOCK, os.SEEK_CUR)
        for hdu in tables:
            hdu.writeto(tmp_path / "one.fits", overwrite=True)
            file.write((tmp_path / "one.fits").read_bytes()[BLOCK:])
    return path


def run(directory: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHRINK, "raw.fits", *map(str, arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        env={**os.environ, "FITSGEN_CACHE": ""},
        check=False,
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_data_that_are_gone_when_they_are_read_are_a_plain_error(kinds: Path, name: str) -> None:
    template = kinds.with_name("t.gen.txt")
    lines = f"<<file t>>\n<<header empty>>\n<<header one>>\n<<data>>\n{TEMPLATES[name]}\n"
    template.write_text(lines)
    convert = ("convert", "raw.fits", "-t", "t.gen.txt", "-o", "out.fits")
    result = run(kinds.parent, 3 * BLOCK, "after them", *convert)
    assert result.returncode == 1, result.stderr
    assert "raw.fits" in result.stderr
    assert "became shorter while it was read: from 33" in result.stderr
    assert "Traceback" not in result.stderr
    assert not kinds.with_name("out.fits").exists()


@pytest.mark.parametrize("verb", ["convert", "verify", "show"])
@pytest.mark.parametrize("when", ["before the headers", "after them"])
def test_each_verb_survives_a_file_that_shrinks(kinds: Path, verb: str, when: str) -> None:
    kinds.with_name("t.gen.txt").write_text("<<file t>>\n<<header a>>\n<<data>>\ninput[1].data\n")
    more = {"show": (), "verify": ("-t", "t.gen.txt")}.get(
        verb, ("-t", "t.gen.txt", "-o", "o.fits")
    )
    result = run(kinds.parent, 0, when, verb, "raw.fits", *more)
    # Headers are in memory once they were read, and to show is to look at no data.
    harmless = verb == "show" and when == "after them"
    assert result.returncode == (0 if harmless else 1), result.stderr
    assert harmless or "became shorter while it was read" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


# Checksums


@pytest.fixture
def summed(tmp_path: Path) -> Path:
    path = tmp_path / "raw.fits"
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(np.arange(4000, dtype="i2"), name="SCI"),
        fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])], name="CAT"),
    ]
    fits.HDUList(hdus).writeto(path, checksum=True)
    return path


def harm(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert content.count(old) >= 1
    path.write_bytes(content.replace(old, new, 1))


def test_checksums_that_fit_are_not_mentioned(summed: Path) -> None:
    with FitsFile.open(summed) as file:
        _ = [hdu.data for hdu in file], file[0].header
        file.verify()
        assert file.problems == ()


def test_data_that_do_not_fit_their_checksums_are_a_warning_and_are_kept(summed: Path) -> None:
    harm(summed, struct.pack(">3h", 7, 8, 9), struct.pack(">3h", 7, 9, 9))
    with FitsFile.open(summed) as file:
        assert file["SCI"].data[:10].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9, 9]
        assert file.problems == ()
        for _ in range(2):
            file.verify()
            datasum, checksum = file.problems
            assert not datasum.is_error
            assert datasum.message.startswith("HDU 1 (SCI), card ")
            assert "(DATASUM), byte " in datasum.message
            assert f"DATASUM is '{file[1].header['DATASUM']}', but the data add up to" in (
                datasum.message
            )
            assert f"CHECKSUM is '{file[1].header['CHECKSUM']}'" in checksum.message


def test_headers_alone_do_not_have_data_read(summed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harm(summed, struct.pack(">3h", 7, 8, 9), struct.pack(">3h", 7, 9, 9))
    with FitsFile.open(summed) as file:
        monkeypatch.setattr(OpenFile, "fetch", None)
        assert file["SCI"].header["NAXIS1"] == 4000
        file.verify()
        assert file.problems == ()


def test_an_hdu_without_data_is_summed_when_its_header_is_read(summed: Path) -> None:
    harm(summed, b"conforms to FITS", b"Conforms to FITS")
    with FitsFile.open(summed) as file:
        _ = file["SCI"].data
        file.verify()
        assert file.problems == ()
        assert file[0].header["NAXIS"] == 0
        file.verify()
        (problem,) = file.problems
        assert "HDU 0, card " in problem.message
        assert "not to 4294967295" in problem.message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("'abc'", "DATASUM is 'abc', but the data add up to"),
        ("'1e3'", "DATASUM is '1e3', but"),
        ("5.5", "DATASUM is 5.5, which it cannot be"),
        ("x", "`x` is no string"),
        ("'" + "9" * 60 + "'", "but the data add up to"),
        ("'0'", ""),
        ("0", ""),
        ("''", ""),
        ("", ""),
    ],
)
def test_a_checksum_that_is_none_is_a_warning(save: Any, value: str, words: str) -> None:
    content = primary(8, 10, DATASUM=value) + bytes(BLOCK)
    with FitsFile.open(save(content)) as file:
        assert file[0].data.size == 10
        file.verify()
        found = [problem.message for problem in file.problems]
    assert len(found) == bool(words)
    assert all("byte 320" in one and words in one for one in found)


def test_a_conversion_warns_of_checksums(summed: Path, tmp_path: Path) -> None:
    harm(summed, struct.pack(">3h", 7, 8, 9), struct.pack(">3h", 7, 9, 9))
    template = tmp_path / "t.gen.txt"
    template.write_text("<<file t>>\n<<header a>>\n<<data>>\ninput['SCI'].data\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitsgen.convert(summed, template=template, output=tmp_path / "out.fits")
    assert sum("(SCI)" in str(one.message) for one in caught) == 2
    with pytest.raises(FitsgenError, match=r"DATASUM is .*, but the data add up to"):
        fitsgen.convert(summed, template=template, output=tmp_path / "2.fits", strict=True)
    assert not (tmp_path / "2.fits").exists()


def test_warnings_of_cards_are_there_when_they_were_read(save: Any) -> None:
    path = save(header(*cards("SIMPLE  =                    T"), "A       = 1", "A       = 2"))
    with open_inputs([path]) as inputs:
        assert inputs.problems == ()
        assert inputs.sources["input"].find("A", 0) == (True, 1)
        (problem,) = inputs.problems
        assert problem.message.endswith(
            "card 4 (A), byte 240: the keyword stands again in card 5: 1 is used, not 2"
        )


def test_a_name_that_is_none_hides_no_other_hdu(save: Any) -> None:
    content = (
        primary()
        + extension("IMAGE", EXTNAME="5", EXTVER="'x'")
        + extension("IMAGE", EXTNAME="'SCI     '")
    )
    with FitsFile.open(save(content)) as file:
        assert file["SCI"] is file[2]
        assert [file[1].name, file[1].version] == ["", 1]
        assert [problem.is_error for problem in file.problems] == [False, False]


# Bounds of time and memory


HUGE = "9" * 68
BOUNDED: dict[str, tuple[bytes, str]] = {
    # what the header says, and what is said of it when the file is opened and all of it read
    "100 GB": (primary(8, 10**11), "expected 100000000000 bytes, found 0"),
    "an axis of 10^12": (primary(-64, 10**12), "expected 8000000000000 bytes"),
    "beyond 64 bits": (primary(8, *[10**9] * 3), "claim more than 2"),
    "999 axes": (primary(8, *[HUGE] * 999), "claim more than 2"),
    "999 axes of a pixel": (primary(8, *[1] * 999) + bytes(BLOCK), "an image of 999 axes"),
    "axes without pixels": (primary(8, 0, *[2**62] * 3), "an image of 4 axes"),
    "999 of them": (primary(8, 0, *[HUGE] * 998), "an image of 999 axes"),
    "groups": (
        primary(8, 0, 2**40, GROUPS="T", PCOUNT=2**40, GCOUNT=2**40),
        "claim more than 2",
    ),
    "PCOUNT": (primary() + extension("IMAGE", 8, 1, PCOUNT=HUGE), "claim more than 2"),
    "GCOUNT": (primary() + extension("IMAGE", 64, 1, GCOUNT=2**60), "claim more than 2"),
    "TFIELDS": (table(b"", 0, TFIELDS=2**31), "TFIELDS is 2147483648: expected 999 or less"),
    "repeat": (table(b"abcd", 1, TFORM1=f"'{10**17}J'"), "the columns take 4"),
    "repeat beyond": (table(b"abcd", 1, TFORM1=f"'{HUGE[:40]}J'"), "no format of a binary table"),
    "no rows": (table(b"", 0, NAXIS1=10**17, TFORM1=f"'{10**17}A'"), "rows of 1000"),
    "long text, no rows": (table(b"", 0, NAXIS1=10**10, TFORM1=f"'{10**10}A'"), "is too long"),
    "TDIM": (table(b"abcd", 1, TFORM1="'4B'", TDIM1="'(9,99999999999999)'"), "of 4 elements"),
    "TNULL": (table(b"abcd", 1, TFORM1="'J'", TNULL1="'x'"), "TNULL1 is 'x': expected an integer"),
    "TZERO": (table(b"abcd", 1, TFORM1="'J'", TZERO1="NaN"), "NaN, which has no form"),
    "TSCAL": (table(b"abcd", 1, TFORM1="'J'", TSCAL1="1E999"), "beyond what a double holds"),
    "THEAP in the rows": (
        table(struct.pack(">ii", 1, 0), 1, b"abcd", TFORM1="'PB'", THEAP=4),
        "THEAP is 4: expected 8 or more",
    ),
    "THEAP beyond": (
        table(struct.pack(">ii", 1, 0), 1, b"abcd", TFORM1="'PB'", THEAP=2**62),
        "row 1, column 1, byte 5760: 1 elements from byte 0 of the heap, which has 0 bytes",
    ),
    "beyond the heap": (
        table(struct.pack(">ii", 4, 1), 1, b"abcd", TFORM1="'PB'"),
        "4 elements from byte 1 of the heap, which has 4 bytes",
    ),
    "negative number": (
        table(
            struct.pack(">ii", 1, 0) + struct.pack(">ii", -(2**31), 0), 2, b"abcd", TFORM1="'PB'"
        ),
        "row 2, column 1, byte 5768: -2147483648 elements",
    ),
    "negative place": (table(struct.pack(">ii", 1, -1), 1, b"ab", TFORM1="'PB'"), "from byte -1"),
    "64 bits": (table(struct.pack(">qq", 2**62, 2**62), 1, b"abcd", TFORM1="'QM'"), "row 1"),
    "shared heap": (
        table(struct.pack(">ii", 30000, 0) * 100_000, 100_000, bytes(30000), TFORM1="'PB'"),
        "30000 bytes of heap claim to be 3000000000: refused",
    ),
    "ASCII beyond the row": (
        primary()
        + extension("TABLE", 8, 4, 1, TFIELDS=1, TFORM1="'I9'", TBCOL1=1)
        + padded(b"   1"),
        "TFORM1 is 'I9', in rows of 4 bytes",
    ),
    "ASCII at the end": (
        primary()
        + extension("TABLE", 8, 4, 1, TFIELDS=1, TFORM1="'I4'", TBCOL1=2)
        + padded(b"   1"),
        "TBCOL1 is 2: expected 1 or less",
    ),
    "ASCII number": (
        primary()
        + extension("TABLE", 8, 4, 2, TFIELDS=1, TFORM1="'I4'", TBCOL1=1)
        + padded(b"   1 x 2"),
        "row 2, column 1, byte 5764: ' x 2' is no number of format I",
    ),
    "ASCII integer": (
        primary()
        + extension("TABLE", 8, 30, 1, TFIELDS=1, TFORM1="'I30'", TBCOL1=1)
        + padded(b"9" * 30),
        "is no number of format I",
    ),
    "BSCALE": (primary(16, 1, BSCALE="1E308") + struct.pack(">h", 300) + bytes(2878), ""),
    "BZERO of 68 digits": (primary(16, 1, BZERO=HUGE) + bytes(BLOCK), ""),
    "BLANK": (primary(16, 1, BSCALE=2, BLANK=HUGE) + bytes(BLOCK), ""),
    "BLANK of another type": (primary(16, 1, BSCALE=2, BLANK=1.5) + bytes(BLOCK), "BLANK is 1.5"),
    "null of another size": (table(b"a", 1, TFORM1="'B'", TNULL1=HUGE, TSCAL1=1e308), ""),
    "scaled ASCII": (
        primary()
        + extension("TABLE", 8, 4, 1, TFIELDS=1, TFORM1="'E4'", TBCOL1=1, TSCAL1="1E308")
        + padded(b"9E99"),
        "",
    ),
    "strange name": (primary() + extension("IMAGE", EXTNAME="'\x1b[31m'", BITPIX=7), r"(\x1b[31m)"),
    "strange value": (primary("\x07x"), r"`\x07x` is no string"),
}


def look_at_all(path: Path) -> None:
    with FitsFile.open(path) as file:
        for hdu in file:
            data = hdu.data
            for name in getattr(data, "names", ()):
                data[name]
            if hasattr(data, "whole"):
                data.whole("a test")
        file.verify()


@pytest.mark.parametrize("name", BOUNDED)
def test_a_hostile_header_takes_neither_time_nor_memory(save: Any, name: str) -> None:
    content, words = BOUNDED[name]
    path = save(content)
    import numpy.lib.format  # noqa: F401 - not to be counted

    tracemalloc.start()
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if words:
                with pytest.raises(InputError) as caught:
                    look_at_all(path)
                assert words in str(caught.value)
                assert str(caught.value).startswith(f"{path}: error: HDU ")
                assert len(str(caught.value)) < 400
            else:
                look_at_all(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20
    assert time.monotonic() - start < 5


def test_many_hdus_are_opened_and_found_soon(save: Any, record_property: Any) -> None:
    path = save(primary() + extension("IMAGE", EXTNAME="'SCI     '") * 20_000)
    start = time.process_time()
    with FitsFile.open(path) as file:
        assert len(file) == 20_001
        assert file["SCI"] is file[1]
        seconds = time.process_time() - start
    record_property("figure", f"20,000 HDUs opened in {seconds:.1f} s")
    assert seconds < 6  # On a machine that does nothing else it takes 1.


@pytest.mark.parametrize(
    "content",
    [
        b"KEY     = 1".ljust(80) * 300_000,
        b"END END END END ".ljust(80, b"E") * 300_000,
        b"KEY     = 'a&'".ljust(80) + b"CONTINUE  'b&'".ljust(80) * 300_000,
    ],
    ids=["cards", "END in the wrong places", "CONTINUE"],
)
def test_a_header_without_end_is_refused_soon(save: Any, content: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(InputError, match="has no END card before 16 MiB were read"):
        FitsFile.open(save(b"SIMPLE  =                    T".ljust(80) + content))
    assert time.monotonic() - start < 5


def test_a_closed_file_is_closed_without_waiting_for_what_refers_to_it(save: Any) -> None:
    path = save(primary(8, 10) + bytes(BLOCK))
    before = len(os.listdir("/proc/self/fd"))
    files = []
    for _ in range(20):
        with FitsFile.open(path) as file:
            files.append((file, file[0], file[0].header))
    assert len(os.listdir("/proc/self/fd")) == before


def test_many_rows_may_share_a_small_heap(save: Any) -> None:
    content = table(struct.pack(">ii", 3, 1) * 1000, 1000, b"abcde", TFORM1="'PA'")
    with FitsFile.open(save(content)) as file:
        assert set(file[1].data["col1"]) == {"bcd"}


def test_what_is_read_of_a_wide_table_is_a_column(
    save: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.zeros(20, [("A", ">i4"), ("WIDE", "u1", 1 << 18)])
    rows["A"] = np.arange(20)
    width = rows.dtype.itemsize
    more = {"NAXIS1": width, "TFIELDS": 2, "TFORM1": "'J'", "TFORM2": f"'{1 << 18}B'"}
    path = save(table(rows.tobytes(), 20, **more))
    read: list[int] = []
    fetch = OpenFile.fetch
    with FitsFile.open(path) as file:
        monkeypatch.setattr(
            OpenFile, "fetch", lambda s, b, o: (read.append(len(b)), fetch(s, b, o))
        )
        assert file[1].data["col1"].tolist() == list(range(20))
        assert file[1].data[5:7]["col1"].tolist() == [5, 6]
    assert sum(read) < 20 * width / 10


# gzip


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda packed: packed + b"garbage", "7 bytes after the gzip-compressed data are ignored"),
        (lambda packed: packed + b"\x1f", "1 bytes after"),
        (lambda packed: packed + bytes(3) + b"x" + bytes(99), "103 bytes after"),
        (lambda packed: packed + bytes(70000), ""),
        (lambda packed: packed + gzip.compress(b""), ""),
    ],
)
def test_what_follows_gzip_is_ignored_with_a_warning(save: Any, harm: Any, words: str) -> None:
    path = save(harm(gzip.compress(primary(8, 5) + padded(b"hello"))), "raw.fits.gz")
    with FitsFile.open(path) as file:
        assert bytes(file[0].data.whole("a test")) == b"hello"
        assert [words in problem.message for problem in file.problems] == [True] * bool(words)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda packed: packed[:-4] + b"abcd", "incorrect length check"),
        (lambda packed: packed[:-8] + b"abcd" + packed[-4:], "incorrect data check"),
        (lambda packed: packed[:-9], "between bytes 0 and .* it ends before its last member does"),
        (lambda packed: packed + packed[:20], "it ends before its last member does"),
        (lambda packed: packed + packed[:2] + b"\xff" * 40, "damaged"),
    ],
)
def test_gzip_that_is_not_whole_is_an_error(save: Any, harm: Any, words: str) -> None:
    packed = gzip.compress(primary(8, 5000) + padded(np.random.default_rng(1).bytes(5000)))
    with pytest.raises(InputError, match=f"raw.fits.gz: error: the gzip .*{words}"):
        FitsFile.open(save(harm(packed), "raw.fits.gz"))


def test_gzip_of_something_else_is_not_unpacked(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(
        "fitsgen.inputs.opening._keep", lambda _, piece, __: kept.append(len(piece))
    )
    with pytest.raises(InputError, match="is no FITS file"):
        FitsFile.open(save(gzip.compress(bytes(50 << 20)), "raw.fits.gz"))
    assert kept == []


FULL = """
import resource, signal, sys
from fitsgen.inputs.fits import FitsFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    FitsFile.open(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_directory_for_temporary_files_is_named(save: Any, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the write fails the same way."""
    path = save(gzip.compress(primary(8, 500_000) + bytes(500_000 + BLOCK)), "raw.fits.gz")
    spare = tmp_path / "spare"
    spare.mkdir()
    result = subprocess.run(
        [sys.executable, "-c", FULL, path],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(spare)},
        check=True,
    )
    said = f"InputError {path}: error: cannot be unpacked in {spare}: File too large"
    assert result.stdout.startswith(said)
    assert "TMPDIR" in result.stdout
    assert list(spare.iterdir()) == []
    assert result.stderr == ""


# Floats at the limits of integers


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
@pytest.mark.parametrize("source", ["f2", "f4", "f8"])
def test_floats_are_cast_up_to_the_limits_of_a_type(source: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    ends = [one + near for one in (limits.min, limits.max) for near in (-1, -0.5, 0, 0.5, 1)]
    with np.errstate(all="ignore"):
        values = np.array([*map(float, ends), 0.5, -0.5, -0.0, 3, np.nan, np.inf, -np.inf], source)
        near = [np.nextafter(values, np.array(to, source)) for to in (-np.inf, np.inf)]
    for value in np.concatenate((values, *near)).tolist():
        fits = math.isfinite(value) and limits.min <= math.trunc(value) <= limits.max
        for several in ([value], [0, value, 1]):
            pixels = np.array(several, source)
            if fits:
                expected = [math.trunc(one) for one in pixels.tolist()]
                assert cast(pixels, np.dtype(dtype)).tolist() == expected
                continue
            with pytest.raises(Misfit) as caught:
                cast(pixels, np.dtype(dtype))
            assert caught.value.index == len(several) // 2
