"""A FITS file to a page: a panel for each of its first HDUs with data, and what is left out.

In: a path. Out: a `Page`, and warnings about the file. Only what is shown is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fitsgen.diagnostics import Problem, counted
from fitsgen.inputs.cards import shown
from fitsgen.inputs.fits import FitsFile, InputHDU, Kind
from fitsgen.inputs.headers import Header
from fitsgen.inputs.tables import TableData
from fitsgen.preview.images import image_panels, subject_of
from fitsgen.preview.page import Page, Panel, TablePanel
from fitsgen.preview.tables import table_lines

# HDUs with data that are shown: the first ones.
MAX_SHOWN = 12
# Names that are listed of those that are not.
_MAX_NAMED = 20
TELLING = ("INSTRUME", "DETECTOR", "EXP_TYPE", "READPATT", "SUBARRAY", "FILTER", "PUPIL", "GRATING")
# What the flight headers call the number of integrations and groups, and those of the ground.
_COUNTS = (("NINTS", "NGROUPS"), ("NINT", "NGROUP"))


def read_page(path: str | Path) -> tuple[Page, tuple[Problem, ...]]:
    """Read what is to be shown of a FITS file.

    Raises
    ------
    InputError
        The file cannot be read.

    """
    with FitsFile.open(path) as file:
        reader = _Reader(_counts(file[0].header))
        panels = tuple(reader.panels(file))
        title, subtitle = shown(Path(path).name), _subtitle(file[0].header)
        return Page(title, subtitle, panels, tuple(reader.notes())), file.problems


@dataclass(slots=True)
class _Reader:
    """What was read: the panels go out as they are made, the rest is listed by reason."""

    counts: tuple[int, int] | None
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def panels(self, file: FitsFile) -> Iterator[Panel]:
        count = 0
        for number, hdu in enumerate(file):
            title = _title(number, hdu)
            why = _why_not(hdu) or (count >= MAX_SHOWN and f"beyond the first {MAX_SHOWN}") or ""
            if why:
                self.left_out.setdefault(why, []).append(title)
                continue
            count += 1
            yield from self._panels(hdu, title)

    def notes(self) -> Iterator[str]:
        for why, titles in self.left_out.items():
            names = ", ".join(titles[:_MAX_NAMED])
            more = len(titles) - _MAX_NAMED
            yield f"Not shown, {why}: {names}" + (f" and {more} more" if more > 0 else "")

    def _panels(self, hdu: InputHDU, title: str) -> tuple[Panel, ...]:
        if not hdu.kind.is_table or hdu.kind is Kind.COMPRESSED:
            return image_panels(subject_of(hdu, title, self.counts))
        table = hdu.data
        assert isinstance(table, TableData)
        rows, columns = len(table), len(table.names)
        caption = f"{counted(rows, 'row')}, {counted(columns, 'column')}"
        return (TablePanel(title, caption, table_lines(table)),)


def _why_not(hdu: InputHDU) -> str:
    """Return why an HDU is not shown; '' where it can be."""
    if hdu.kind is Kind.OTHER:
        return "an unknown extension"
    if hdu.structure.groups:
        return "random groups"
    if hdu.kind.is_table and hdu.header.get("ZTABLE") is True:
        return "a compressed table"
    if hdu.kind is Kind.TABLE or hdu.kind is Kind.ASCII_TABLE:
        return "" if hdu.header.tolerant("TFIELDS", int) else "no columns"
    return "" if hdu.shape and 0 not in hdu.shape else "no data"


def _title(number: int, hdu: InputHDU) -> str:
    version = f",{hdu.version}" if hdu.version != 1 else ""
    return f"{number} {shown(hdu.name)}{version}".strip()


def _counts(header: Header) -> tuple[int, int] | None:
    for names in _COUNTS:
        found = [header.tolerant(name, int) for name in names]
        if all(isinstance(one, int) and one > 0 for one in found):
            integrations, groups = found
            assert isinstance(integrations, int)
            assert isinstance(groups, int)
            return integrations, groups
    return None


def _subtitle(header: Header) -> str:
    found = ((name, header.tolerant(name, str, int, float)) for name in TELLING)
    return "   ".join(f"{name} {shown(str(value))}" for name, value in found if value is not None)
