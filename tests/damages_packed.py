"""Damaged gzip, XML and zip."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from damages import Damage, Make, Outcome, refused, warned, written

GZIP = "convert in.fits.gz -t t.gen.txt -o out.fits"
MIB = 2**20


def packed(change: Callable[[bytes], bytes]) -> Make:
    """Compress the good file, and change the bytes of that."""

    def make(directory: Path) -> None:
        content = gzip.compress((directory / "in.fits").read_bytes(), mtime=0)
        (directory / "in.fits.gz").write_bytes(change(content))

    return make


def zeros(count: int) -> bytes:
    """Return so many MiB of zeros as a deflate stream without an end."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * count


def bomb(directory: Path) -> None:
    """Write 1 GiB of zeros after the good file, as gzip of 1 MB."""
    content = (directory / "in.fits").read_bytes()
    deflate = zlib.compressobj(9, wbits=-15)
    start = deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)
    end = b"\x03\x00" + struct.pack("<II", 0, (len(content) + 1024 * MIB) & 0xFFFFFFFF)
    head = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    (directory / "in.fits.gz").write_bytes(head + start + zeros(1024) + end)


def members(directory: Path) -> None:
    """Write 1,000 gzip files of 1 MiB each, one after another."""
    (directory / "in.fits.gz").write_bytes(gzip.compress(bytes(MIB), mtime=0) * 1000)


def refused_gzip(make: Make, *says: str) -> Damage:
    return refused(make, "in.fits.gz: error: ", *says, command=GZIP)


def unharmed_gzip(make: Make) -> Damage:
    return Damage(make, (), Outcome.UNHARMED, GZIP)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]


GZIPS: dict[str, Damage] = {
    "gzip: 1 MB to 1 GB": refused_gzip(bomb, "bytes of gzip unpack to more than"),
    "gzip: 1,000 members": refused_gzip(members),
    "gzip: a byte is missing": refused_gzip(packed(lambda c: c[:-1])),
    "gzip: cut short": refused_gzip(packed(lambda c: c[: len(c) // 2])),
    "gzip: a header alone": refused_gzip(packed(lambda c: c[:10])),
    "gzip: a wrong CRC": refused_gzip(packed(lambda c: c[:-8] + b"\0\0\0\0" + c[-4:])),
    "gzip: a flipped bit": refused_gzip(packed(flipped)),
    "gzip: another method": refused_gzip(packed(lambda c: c[:2] + b"\x07" + c[3:])),
    "gzip: garbage at the end": warned(
        packed(lambda c: c + b"garbage" * 9),
        "in.fits.gz: warning: 63 bytes after the gzip-compressed data",
        command=GZIP,
    ),
    "gzip: zeros at the end": unharmed_gzip(packed(lambda c: c + bytes(512))),
    "gzip: of no FITS": refused_gzip(written("in.fits.gz", gzip.compress(b"hello" * 99))),
    "gzip: of nothing": refused_gzip(written("in.fits.gz", gzip.compress(b""))),
    "gzip: of FITS cut short": refused_gzip(
        lambda d: (d / "in.fits.gz").write_bytes(
            gzip.compress((d / "in.fits").read_bytes()[:7000])
        ),
        "cut short",
    ),
}

APT = "convert in.fits 1234.aptx -t apt.gen.txt -o out.fits"
GOOD = b"<?xml version='1.0'?>\n<Proposal><Title>Vega</Title></Proposal>\n"


def apt(content: bytes | Callable[[], bytes]) -> Make:
    """Write a proposal, and a template that reads it."""

    def make(directory: Path) -> None:
        text = "<<file t>>\n<<header p>>\nTITLE = apt('.//Title')\n"
        (directory / "apt.gen.txt").write_text(text)
        raw = content if isinstance(content, bytes) else content()
        (directory / "1234.aptx").write_bytes(raw)

    return make


def refused_apt(content: bytes | Callable[[], bytes], *says: str) -> Damage:
    return refused(apt(content), "1234.aptx", "error: ", *says, command=APT)


def laughs() -> bytes:
    entities = '<!ENTITY a0 "lol">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    return f"<!DOCTYPE a [{entities}]>\n<a>&a9;</a>".encode()


EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<a>&b;</a>'

XMLS: dict[str, Damage] = {
    "xml: billion laughs": refused_apt(laughs, "DTD"),
    "xml: an external entity": refused_apt(EXTERNAL, "1234.aptx:1", "DTD"),
    "xml: 3 million elements": refused_apt(
        lambda: b"<a>" + b"<b/>" * 3_000_000 + b"</a>", "elements"
    ),
    "xml: 10^8 elements": refused_apt(lambda: b"<a>" + b"<b/>" * 17_000_000, "larger than"),
    "xml: an element of 30 MB": refused_apt(lambda: b"<" + b"a" * 30_000_000 + b">"),
    "xml: a comment of 33 MB": refused_apt(lambda: b"<a><!--" + b"a" * 34_000_000 + b"--></a>"),
    "xml: a million attributes": refused_apt(
        lambda: b"<a " + b" ".join(b'b%d=""' % n for n in range(1_000_000)) + b"/>", "attributes"
    ),
    "xml: 100,000 deep": refused_apt(lambda: b"<a>" * 100_000, "deep"),
    "xml: 300,000 names": refused_apt(
        lambda: b"<a>" + b"".join(b"<b%d/>" % n for n in range(150_000)) + b"</a>", "names"
    ),
    "xml: an unknown encoding": refused_apt(
        b"<?xml version='1.0' encoding='klingon'?><a/>", "1234.aptx:1"
    ),
    "xml: a wrong encoding": refused_apt(
        b"<?xml version='1.0' encoding='utf-8'?>\n<a>\xe9</a>", "1234.aptx:2:"
    ),
    "xml: UTF-16 cut short": refused_apt("<a>b</a>".encode("utf-16")[:-3], "1234.aptx"),
    "xml: cut short": refused_apt(GOOD[:-12], "1234.aptx:"),
    "xml: a NUL": refused_apt(b"<a>\n\0</a>", "1234.aptx:2:"),
    "xml: no text": refused_apt(b"<?xml version='1.0'?>", "1234.aptx:1:"),
}


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return held.getvalue()


ZIP = zipped(("1234.xml", GOOD))
STORED = zipped(("1234.xml", GOOD), method=zipfile.ZIP_STORED)


def patched(content: bytes, signature: bytes, offset: int, new: bytes) -> bytes:
    """Overwrite what stands at an offset from a signature."""
    at = content.index(signature) + offset
    return content[:at] + new + content[at + len(new) :]


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def two_of_one_name() -> bytes:
    twice = zipped(("1234.xml", GOOD), ("4321.xml", b"<other/>"))
    return twice.replace(b"4321.xml", b"1234.xml")


ZIPS: dict[str, Damage] = {
    "zip: a bomb": refused_apt(lambda: zipped(("1234.xml", bytes(32 * MIB))), "unpacks from"),
    "zip: a bomb that says it is small": refused_apt(
        lambda: patched(zipped(("1234.xml", bytes(32 * MIB))), CENTRAL, 24, struct.pack("<I", 900))
    ),
    "zip: a path that climbs": refused_apt(
        zipped(("../../x", b""), ("1234.xml", GOOD)), "leads out of the archive"
    ),
    "zip: a path of another system": refused_apt(
        zipped(("C:\\x", b""), ("1234.xml", GOOD)), "leads out of the archive"
    ),
    "zip: encrypted": refused_apt(
        patched(patched(ZIP, LOCAL, 6, b"\1"), CENTRAL, 8, b"\1"), "encrypted"
    ),
    "zip: a wrong CRC": refused_apt(patched(ZIP, CENTRAL, 16, b"\0\0\0\0"), "damaged", "CRC"),
    "zip: two files of one name": refused_apt(two_of_one_name, "2 files of the name"),
    "zip: no such file": refused_apt(zipped(("other.xml", GOOD)), "without 1234.xml"),
    "zip: nothing in it": refused_apt(zipped(), "nothing"),
    "zip: a directory cut short": refused_apt(ZIP[:-30], "damaged"),
    "zip: half of it": refused_apt(ZIP[: len(ZIP) // 2], "damaged"),
    "zip: an unknown method": refused_apt(
        patched(patched(ZIP, LOCAL, 8, b"\x63"), CENTRAL, 10, b"\x63"), "method"
    ),
    "zip: bzip2": refused_apt(zipped(("1234.xml", GOOD), method=zipfile.ZIP_BZIP2), "method"),
    "zip: a file elsewhere": refused_apt(patched(ZIP, CENTRAL, 42, b"\xff\xff\xff\x7f"), "damaged"),
    "zip: sizes of zip64 without zip64": refused_apt(
        patched(ZIP, CENTRAL, 20, b"\xff" * 8), "1234.aptx"
    ),
    "zip: a size of 4 GB": refused_apt(patched(ZIP, CENTRAL, 24, b"\xfe\xff\xff\xff"), "unpacks"),
    "zip: a file longer than it says": refused_apt(
        patched(STORED, CENTRAL, 20, struct.pack("<II", 20, 20)), "1234.aptx"
    ),
    "zip: noise in the data": refused_apt(patched(ZIP, LOCAL, 40, b"\xff" * 20), "damaged"),
    "zip: 2,000 files": refused_apt(
        lambda: zipped(*[(f"{n}", b"") for n in range(2000)], ("1234.xml", GOOD)), "1000 files"
    ),
    "zip: a NUL in a name": refused_apt(
        zipped(("x.y", b""), ("1234.xml", GOOD)).replace(b"x.y", b"x\0y"), "NUL"
    ),
    "zip: in a zip": refused_apt(zipped(("1234.xml", ZIP)), "1234.aptx/1234.xml"),
    "zip: billion laughs": refused_apt(lambda: zipped(("1234.xml", laughs())), "DTD"),
}

PACKED: dict[str, Damage] = {**GZIPS, **XMLS, **ZIPS}
