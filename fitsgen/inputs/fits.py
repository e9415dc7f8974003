"""A path to an opened FITS file: its HDUs, with headers and data as expressions see them.

In: a FITS file, plain or gzip-compressed. Out: `FitsFile`, whose structure was
checked before anything was allocated for data; or one `InputError` that says
what is wrong and where.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from fitsgen.blocks import CARD, padded
from fitsgen.diagnostics import Position, Problem, Source, input_error, warning
from fitsgen.inputs.cards import shown, shown_value
from fitsgen.inputs.compressed import compressed_shape, read_compressed
from fitsgen.inputs.content import OpenFile, Span, Window
from fitsgen.inputs.headers import Doubts, Header, Place, read_header
from fitsgen.inputs.opening import open_file
from fitsgen.inputs.pixels import read_pixels
from fitsgen.inputs.structure import Kind, Structure, read_structure
from fitsgen.inputs.sums import mismatches
from fitsgen.inputs.tables import TableData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitsgen.lazy.array import LazyArray

__all__ = ["FitsFile", "InputHDU", "Kind", "MissingHDU"]

_MAX_LISTED = 30


class MissingHDU(LookupError):  # noqa: N818 - a lookup that finds nothing, as KeyError is
    """An HDU that a file does not have."""


class InputHDU:
    """One HDU of an input file, read-only."""

    __slots__ = ("_data", "_file", "_header", "_is_summed", "_is_used", "_start", "_structure")

    def __init__(self, file: FitsFile, header: Header, structure: Structure, start: int) -> None:
        """Make it of a header and its structure; the data begin at byte `start`."""
        self._file = file
        self._header = header
        self._structure = structure
        self._start = start
        self._data: LazyArray | NDArray[Any] | TableData | None = None
        self._is_used = False
        self._is_summed = False

    def __repr__(self) -> str:
        return f"<HDU {self._header.place.hdu} of the input>"

    @property
    def header(self) -> Header:
        """The cards of the HDU; of a tile-compressed image, those of the table it is kept in."""
        # To sum data for the sake of a header would take long; without data it takes no time.
        self._is_used = self._is_used or not self._structure.size
        return self._header

    @property
    def kind(self) -> Kind:
        """What the HDU holds (not for expressions)."""
        return self._structure.kind

    @property
    def name(self) -> str:
        """EXTNAME; without one 'PRIMARY' for the first HDU and '' for others."""
        name = self._header.tolerant("EXTNAME", str)
        return str(name or ("PRIMARY" if self.kind is Kind.PRIMARY else ""))

    @property
    def version(self) -> int:
        """EXTVER; 1 without one (FITS Standard 4.0, section 4.4.2.6)."""
        version = self._header.tolerant("EXTVER", int)
        return version if isinstance(version, int) else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of the image in NumPy's order (NAXIS1 last), or the rows of the table."""
        match self.kind:
            case Kind.TABLE | Kind.ASCII_TABLE:
                return (self._structure.axes[1],)
            case Kind.COMPRESSED:
                return compressed_shape(self._header)
            case _:
                return self._structure.axes[::-1]

    @property
    def data(self) -> LazyArray | NDArray[Any] | TableData | None:
        """The pixels (NumPy order, read-only), the table, or None where NAXIS is 0.

        Pixels are read when they are needed; those of a compressed image are in memory.
        BZERO of an unsigned type gives that type, any other BSCALE or BZERO float64 with
        NaN for BLANK (FITS Standard 4.0, sections 4.4.2.5 and 5.2.5).

        Raises
        ------
        InputError
            For random groups, unknown extensions and data that cannot be decoded.
        """
        if self._data is None:
            self._data = self._read()
            self._is_used = True
        return self._data

    def raw_data(self) -> Span:
        """Return the bytes of the data, a table's heap included, without padding."""
        return self._file._span(self._start, self._structure.size)

    @property
    def structure(self) -> Structure:
        """What the HDU holds and how large it is (not for expressions)."""
        return self._structure

    def raw_header(self) -> bytes:
        """Return the bytes of the header, END and padding included."""
        size = padded(len(self._header.raw) + CARD)
        return bytes(self._file._span(self._start - size, size))

    def padding(self) -> bytes:
        """Return the bytes that fill the last block of the data, as many as there are."""
        size = self._structure.size
        return bytes(self._file._span(self._start + size, padded(size) - size))

    def mismatches(self, datasum: str, checksum: str) -> Iterator[tuple[str, str]]:
        """Yield which of two checksums does not fit the bytes of the HDU, and what is wrong.

        A blank one is not known (FITS Standard 4.0, section 4.4.2.7).
        """
        if datasum.strip() or checksum.strip():
            data = self._file._span(self._start, padded(self._structure.size))
            yield from mismatches(datasum, checksum, self.raw_header(), data.pieces())

    def check_sums(self) -> None:
        """Warn, once, where the HDU was used and its bytes do not fit its checksums."""
        if self._is_used and not self._is_summed:
            self._is_summed = True
            for keyword, said in self.mismatches(self._sum("DATASUM"), self._sum("CHECKSUM")):
                self._header.doubt(said, keyword)

    def _sum(self, keyword: str) -> str:
        """Return the value of a checksum, a blank one where it is none."""
        value = self._header.tolerant(keyword, str, int)
        return "" if value is None else str(value)

    def _read(self) -> LazyArray | NDArray[Any] | TableData | None:
        structure, header = self._structure, self._header
        if structure.groups:
            raise header.error("random groups cannot be read", "GROUPS")
        match structure.kind:
            case Kind.OTHER:
                name = shown_value(header["XTENSION"])
                raise header.error(f"data of the unknown extension {name} cannot be read")
            case Kind.TABLE | Kind.ASCII_TABLE:
                return TableData(header, structure.kind, self.raw_data())
            case Kind.COMPRESSED:
                return read_compressed(header, self.raw_data())
            case _ if structure.axes:
                return read_pixels(header, structure, self.raw_data())
            case _:
                return None


class FitsFile:
    """The HDUs of a FITS file.

    `file[0]`, `file["SCI"]`, `file["SCI", 2]` (EXTNAME, in any case, and EXTVER).
    """

    def __init__(self, path: str, file: OpenFile) -> None:
        """Find the HDUs of an open file; `open` does both."""
        self._path = path
        self._size = file.size
        self._content: Span | None = Span(file, 0, file.size)
        self._hdus: list[InputHDU] = []
        self._numbers: dict[tuple[str, object], int] | None = None
        self._doubts: Doubts = dict.fromkeys(file.problems)
        self._scan()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a FITS file and check the structure of every HDU.

        Raises
        ------
        InputError
            When it is no FITS file, is damaged, or holds less data than its headers say.
        """
        name = os.fspath(path)
        return cls(name, open_file(name))

    def __repr__(self) -> str:
        return "<FITS file>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._hdus)

    def __iter__(self) -> Iterator[InputHDU]:
        return iter(self._hdus)

    def __getitem__(self, key: int | str | tuple[str, int]) -> InputHDU:
        """Return the HDU of a number, a name, or a name and version.

        Raises
        ------
        MissingHDU
            When there is none; the message lists those there are.
        """
        number = self._number(key)
        count = len(self._hdus)
        if number is None or not -count <= number < count:
            raise MissingHDU(self._missing(key))
        return self._hdus[number]

    @property
    def path(self) -> str:
        """The file as the user named it."""
        return self._path

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings about what was accepted until now although it is not right.

        They grow while headers are read, and with `verify`.
        """
        return tuple(self._doubts)

    def verify(self) -> None:
        """Compare HDUs with their checksums, each once.

        Those are meant whose data were used until now, or whose header where there are no data:
        nobody waits for the reading of data of which a header alone is wanted.

        Raises
        ------
        InputError
            The data cannot be read.

        """
        for hdu in self._hdus:
            hdu.check_sums()

    @property
    def leftover(self) -> int:
        """How many bytes follow the last HDU; negative where its padding is not whole."""
        last = self._hdus[-1]
        return self._size - padded(last._start + last._structure.size)

    def close(self) -> None:
        """Give the file back; pixel arrays that are still in use stay valid."""
        self._content = None
        for hdu in self._hdus:
            hdu._data = None

    def _number(self, key: object) -> int | None:
        match key:
            case int() if not isinstance(key, bool):
                return key
            case str():
                return self._index().get((key.strip().upper(), None))
            case (str(name), int(version)):
                return self._index().get((name.strip().upper(), version))
            case _:
                return None

    def _index(self) -> dict[tuple[str, object], int]:
        """Map names, and names with versions, to the first HDU that has them."""
        if self._numbers is None:
            self._numbers = {("PRIMARY", None): 0, ("PRIMARY", 1): 0}
            for number, hdu in enumerate(self._hdus):
                name = hdu.name.strip().upper()
                for version in (None, hdu.version):
                    self._numbers.setdefault((name, version), number)
        return self._numbers

    def _missing(self, key: object) -> str:
        there = [f"{number} {shown(hdu.name)}".strip() for number, hdu in enumerate(self._hdus)]
        names = ", ".join(there[:_MAX_LISTED]) + (", ..." if len(there) > _MAX_LISTED else "")
        match key:
            case (name, version):
                wanted = f"HDU named {name} of version {version}"
            case str():
                wanted = f"HDU named {key}"
            case _:
                wanted = f"HDU {key!r}"
        return f"{self._path} has no {wanted}; it has {names}"

    def _span(self, start: int, size: int) -> Span:
        """Return bytes of the file, as few as there are."""
        if self._content is None:
            raise input_error(self._path, "was closed before its data were read")
        return self._content.part(start, start + size)

    def _doubt(self, message: str) -> None:
        self._doubts[warning(message, Position(Source(self._path)))] = None

    def _scan(self) -> None:
        """Find the HDUs, and what can be put up with."""
        total, start = self._size, 0
        data = Window(self._span(0, total))
        while start < total:
            if start and data[start : start + 8] != b"XTENSION":
                said = f"{total - start} bytes after the last HDU are ignored"
                self._doubt(f"{said}: they begin at byte {start}")
                return
            start = self._add_hdu(data, start)
        if start > total:
            self._doubt(f"{start - total} bytes of padding are missing at the end")

    def _add_hdu(self, data: Window, start: int) -> int:
        """Add the HDU that begins at byte `start`; return where the next one would."""
        place = Place(self._path, len(self._hdus), start)
        header, end = read_header(data, start, place, self._doubts)
        structure = read_structure(header)
        begin = start + padded(end - start)
        found = max(self._size - begin, 0)
        if structure.size > found:
            size = structure.size
            said = f"the data are cut short: expected {size} bytes, found {found}"
            raise header.error(f"{said} from byte {begin} on")
        if structure.kind is Kind.OTHER:
            name = shown_value(header["XTENSION"])
            header.doubt(f"this is an unknown extension, {name}", "XTENSION")
        self._hdus.append(InputHDU(self, header, structure, begin))
        return begin + padded(structure.size)
