"""The file that is being made, as expressions see it: `output`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fitsgen.inputs.sources import HDUKey

if TYPE_CHECKING:
    from fitsgen.runtime.evaluate import Values


class Output:
    """The output as a source: asking for a value makes it."""

    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def find(self, keyword: str, hdu: HDUKey) -> tuple[bool, object]:
        """Return whether an HDU will have a keyword, and its value."""
        number = self._number(hdu)
        if number is None or not self._values.has(number, keyword):
            return False, None
        return True, self._values.lookup(number, keyword)

    def hdu(self, key: HDUKey) -> OutputHDU:
        """Return the view of an HDU."""
        number = self._number(key)
        if number is None:
            names = ", ".join(hdu.name for hdu in self._values.hdus)
            raise LookupError(f"the output has no HDU {key!r}: it has {names}")
        return OutputHDU(self._values, number)

    def __len__(self) -> int:
        return len(self._values.hdus)

    def _number(self, key: HDUKey) -> int | None:
        """Return the number of an HDU: by number, by the template's name, or by EXTNAME."""
        hdus = self._values.hdus
        match key:
            case int():
                return key % len(hdus) if -len(hdus) <= key < len(hdus) else None
            case str(name) | (str(name), 1):
                if name.upper() == "PRIMARY":
                    return 0
                names = [hdu.name.upper() for hdu in hdus]
                if name.upper() in names:
                    return names.index(name.upper())
                return self._extension(name, None)
            case (str(name), int(version)):
                return self._extension(name, version)
        return None

    def _extension(self, name: str, version: int | None) -> int | None:
        for number in range(len(self._values.hdus)):
            if not self._is(number, "EXTNAME", name.upper()):
                continue
            if version is None or self._is(number, "EXTVER", version):
                return number
        return None

    def _is(self, number: int, keyword: str, wanted: object) -> bool:
        if not self._values.has(number, keyword):
            return False
        value = self._values.lookup(number, keyword)
        return (value.upper() if isinstance(value, str) else value) == wanted


class OutputHDU:
    """An HDU of the output."""

    __slots__ = ("_number", "_values")

    def __init__(self, values: Values, number: int) -> None:
        self._values = values
        self._number = number

    @property
    def header(self) -> OutputHeader:
        """The header, as it will be."""
        return OutputHeader(self._values, self._number)

    @property
    def data(self) -> Any:
        """What the data expression gives; an array is read-only, for others read it too."""
        data = self._values.data(self._number)
        if not hasattr(data, "setflags"):
            return data
        view = data.view()
        view.setflags(write=False)
        return view

    @property
    def name(self) -> str:
        """The name in the template."""
        return self._values.hdus[self._number].name

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of the data in NumPy's order, or the rows of a table; () where there is none."""
        data = self.data
        if isinstance(data, dict):
            return (len(next(iter(data.values()), ())),)
        return tuple(getattr(data, "shape", ()))

    def __repr__(self) -> str:
        return f"<output {self.name}>"


class OutputHeader:
    """The header of an HDU of the output."""

    __slots__ = ("_number", "_values")

    def __init__(self, values: Values, number: int) -> None:
        self._values = values
        self._number = number

    def __getitem__(self, keyword: str) -> object:
        if keyword not in self:
            near = difflib.get_close_matches(keyword, self.keys(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            name = self._values.hdus[self._number].name
            raise LookupError(f"header {name} of the output has no {keyword}{hint}")
        return self._values.lookup(self._number, keyword)

    def get(self, keyword: str, default: object = None) -> object:
        """Return the value of a keyword, or `default` where the header has none."""
        if keyword not in self:
            return default
        return self[keyword]

    def keys(self) -> tuple[str, ...]:
        """Return the keywords that the template gives."""
        return self._values.keywords(self._number)

    def values(self) -> tuple[object, ...]:
        """Return the values of `keys()`."""
        return tuple(self[keyword] for keyword in self.keys())

    def items(self) -> tuple[tuple[str, object], ...]:
        """Return the keywords with their values."""
        return tuple((keyword, self[keyword]) for keyword in self.keys())

    def comment(self, keyword: str) -> str:
        """Return the comment that the template gives to a keyword."""
        return self._values.comment(self._number, keyword)

    def count(self, keyword: str) -> int:
        """Return how often a keyword is there."""
        return int(keyword in self)

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and self._values.has(self._number, keyword)

    def __repr__(self) -> str:
        return f"<header {self._values.hdus[self._number].name}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())
