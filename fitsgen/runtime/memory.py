"""What a conversion took of memory: how the data of each HDU was written, and what was made whole.

In: the values of a file that was made. Out: `Use`s, in the order of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from fitsgen.diagnostics import Position
from fitsgen.runtime.encoded import Encoded
from fitsgen.runtime.evaluate import Values

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class Use:
    """An array that was made whole, or the data of an HDU.

    size
        In bytes: of the whole array, or of what was written.

    """

    hdu: str
    what: str
    size: int
    position: Position | None
    is_whole: bool


def uses(values: Values) -> tuple[Use, ...]:
    """Return what the data of a file took."""
    found = []
    for number, hdu in enumerate(values.hdus):
        for key, what, size in values.costs:
            if key[0] == number:
                name = f"{values.name(key)}: {what} needs the whole array"
                found.append(Use(hdu.name, name, size, values.place(key), is_whole=True))
        if not values.failed(number):
            found.append(_data(values, number, values.encoded(number)))
    return tuple(found)


def _data(values: Values, number: int, encoded: Encoded) -> Use:
    hdu = values.hdus[number]
    place = values.place((number, len(hdu.items))) if hdu.data else None
    how = encoded.route.value if encoded.size else "no data"
    return Use(hdu.name, how, encoded.size, place, is_whole=False)


def amount(size: float) -> str:
    """Return bytes in words: 1.5 GiB."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == _UNITS[0] else f"{size:.1f} {unit}"
