"""A path to an opened FITS file: its HDUs, with headers and data as expressions see them.

In: a FITS file, plain or gzip-compressed. Out: `FitsFile`, whose structure was
checked before anything was allocated for data; or one `InputError` that says
what is wrong and where.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from fitsgen.diagnostics import Position, Problem, Source, warning
from fitsgen.inputs.headers import BLOCK, CARD, Header, Place, read_header
from fitsgen.inputs.opening import OpenFile, file_error, open_file
from fitsgen.inputs.pixels import compressed_shape, read_compressed, read_pixels
from fitsgen.inputs.structure import Kind, Structure, read_structure, text
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

    __slots__ = ("_data", "_file", "_header", "_start", "_structure")

    def __init__(self, file: FitsFile, header: Header, structure: Structure, start: int) -> None:
        self._file = file
        self._header = header
        self._structure = structure
        self._start = start
        self._data: LazyArray | NDArray[Any] | TableData | None = None

    def __repr__(self) -> str:
        return f"<HDU {self._header.place.hdu} of the input>"

    @property
    def header(self) -> Header:
        """The cards of the HDU; of a tile-compressed image, those of the table it is kept in."""
        return self._header

    @property
    def kind(self) -> Kind:
        """What the HDU holds (not for expressions)."""
        return self._structure.kind

    @property
    def name(self) -> str:
        """EXTNAME; without one 'PRIMARY' for the first HDU and '' for others."""
        return text(self._header, "EXTNAME") or ("PRIMARY" if self.kind is Kind.PRIMARY else "")

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
        return self._data

    def raw_data(self) -> memoryview:
        """Return the bytes of the data, a table's heap included, without padding."""
        return self._file._bytes(self._start, self._structure.size)

    @property
    def structure(self) -> Structure:
        """What the HDU holds and how large it is (not for expressions)."""
        return self._structure

    def raw_header(self) -> bytes:
        """Return the bytes of the header, END and padding included."""
        size = _next_block(len(self._header.raw) + CARD)
        return bytes(self._file._bytes(self._start - size, size))

    def padding(self) -> bytes:
        """Return the bytes that fill the last block of the data, as many as there are."""
        size = self._structure.size
        return bytes(self._file._bytes(self._start + size, _next_block(size) - size))

    def _read(self) -> LazyArray | NDArray[Any] | TableData | None:
        structure, header = self._structure, self._header
        if structure.groups:
            raise header.place.error("random groups cannot be read")
        match structure.kind:
            case Kind.OTHER:
                name = header["XTENSION"]
                raise header.place.error(f"data of the unknown extension {name!r} cannot be read")
            case Kind.TABLE | Kind.ASCII_TABLE:
                return TableData(header, structure.kind, self._file._file, self.raw_data())
            case Kind.COMPRESSED:
                return read_compressed(header, self.raw_data())
            case _ if structure.axes:
                return read_pixels(header, structure, self._file._file, self.raw_data())
            case _:
                return None


class FitsFile:
    """The HDUs of a FITS file.

    `file[0]`, `file["SCI"]`, `file["SCI", 2]` (EXTNAME, in any case, and EXTVER).
    """

    def __init__(self, path: str, file: OpenFile) -> None:
        """Find the HDUs of an open file; `open` does both."""
        self._path = path
        self._file = file
        self._map = file.map
        self._hdus: list[InputHDU] = []
        self._numbers: dict[tuple[str, object], int] | None = None
        self._problems = tuple(self._scan())

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
        """Warnings about what was accepted although it is not right."""
        return self._problems

    @property
    def leftover(self) -> int:
        """How many bytes follow the last HDU; negative where its padding is not whole."""
        last = self._hdus[-1]
        return len(self._map) - _next_block(last._start + last._structure.size)

    def close(self) -> None:
        """Give the file back; pixel arrays that are still in use stay valid."""
        for hdu in self._hdus:
            hdu._data = None
        # Arrays that look into the map keep it; it goes with the last of them.
        with suppress(BufferError):
            self._map.close()

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
                for version in (None, hdu.header.get("EXTVER", 1)):
                    self._numbers.setdefault((name, version), number)
        return self._numbers

    def _missing(self, key: object) -> str:
        there = [f"{number} {hdu.name}".strip() for number, hdu in enumerate(self._hdus)]
        names = ", ".join(there[:_MAX_LISTED]) + (", ..." if len(there) > _MAX_LISTED else "")
        match key:
            case (name, version):
                wanted = f"HDU named {name} of version {version}"
            case str():
                wanted = f"HDU named {key}"
            case _:
                wanted = f"HDU {key!r}"
        return f"{self._path} has no {wanted}; it has {names}"

    def _bytes(self, start: int, size: int) -> memoryview:
        if self._map.closed:
            raise file_error(self._path, "was closed before its data were read")
        # Reading a map beyond the end of its file would kill the process.
        if self._map.size() < len(self._map):
            raise file_error(self._path, "became shorter while it was read")
        return memoryview(self._map)[start : start + size]

    def _scan(self) -> Iterator[Problem]:
        """Find the HDUs; yield warnings about what can be put up with."""
        total, start = len(self._map), 0
        position = Position(Source(self._path))
        with memoryview(self._map) as data:
            while start < total:
                if start and bytes(data[start : start + 8]) != b"XTENSION":
                    message = f"{total - start} bytes after the last HDU are ignored"
                    yield warning(message, position)
                    return
                start = self._add_hdu(data, start)
        if start > total:
            yield warning(f"{start - total} bytes of padding are missing at the end", position)
        for hdu in self._hdus:
            if hdu.kind is Kind.OTHER:
                name = hdu.header["XTENSION"]
                yield warning(f"{hdu.header.place} is an unknown extension, {name!r}", position)

    def _add_hdu(self, data: memoryview, start: int) -> int:
        """Add the HDU that begins at byte `start`; return where the next one would."""
        place = Place(self._path, len(self._hdus))
        header, end = read_header(data, start, place)
        structure = read_structure(header)
        begin = _next_block(end)
        found = max(len(data) - begin, 0)
        if structure.size > found:
            size = structure.size
            raise place.error(f"the data are cut short: expected {size} bytes, found {found}")
        self._hdus.append(InputHDU(self, header, structure, begin))
        return _next_block(begin + structure.size)


def _next_block(end: int) -> int:
    return -(-end // BLOCK) * BLOCK
