"""What keywords are looked up in: every input of a conversion, behind the same few questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

HDUKey = int | str | tuple[str, int]


class Source(Protocol):
    """Something that keywords are looked up in."""

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Return whether an HDU has a keyword, and its value."""
        ...

    def hdu(self, key: HDUKey) -> Any:
        """Return the view of an HDU; raises LookupError where there is none."""
        ...

    def __len__(self) -> int:
        """Count the HDUs."""
        ...


class Absent:
    """A source that was not given: every lookup finds nothing."""

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Find nothing."""
        return False, None

    def hdu(self, key: HDUKey) -> Any:
        """Raise, for there is no HDU."""
        raise LookupError("it was not given")

    def __len__(self) -> int:
        return 0


class FitsSource:
    """An opened FITS file as a source."""

    __slots__ = ("_file",)

    def __init__(self, file: Any) -> None:
        self._file = file

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Return whether an HDU of the file has a keyword, and its value."""
        try:
            header = self._file[hdu].header
        except LookupError:
            return False, None
        found: tuple[bool, object] = header.lookup(keyword)
        return found

    def hdu(self, key: HDUKey) -> Any:
        """Return the view of an HDU."""
        return self._file[key]

    def __len__(self) -> int:
        return len(self._file)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file as a source: its name, and its sections with their values."""

    name: str
    sections: tuple[tuple[str, Mapping[str, object]], ...]

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Return whether a section has a keyword; a number stands for the file as a whole.

        Data files are not numbered like the HDUs of the output: only a name
        picks a section.
        """
        for name, values in self.sections:
            if keyword in values and (isinstance(hdu, int) or name == hdu):
                return True, values[keyword]
        return False, None

    def hdu(self, key: HDUKey) -> Any:
        """Raise: a data file has keywords and no HDUs."""
        raise LookupError(f"a data file has no HDUs; write {self.name}('KEY')")

    def __len__(self) -> int:
        return 0
