"""Legitimate expressions give what plain Python gives.

One template has them all. Each is compiled, loaded and evaluated over opened inputs, and
compared with `eval` of the same text, where NumPy is NumPy and the sources are plain objects.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA

from fitsgen import compiler
from fitsgen.inputs import open_inputs
from fitsgen.lazy.array import LazyArray
from fitsgen.runtime.evaluate import Values

CASES = json.loads((DATA / "expressions.json").read_text())["legitimate"]
CARD = re.compile(r"([A-Z][A-Z0-9_-]{0,7}) = (.*)")
CARDS = {match[1]: match[2] for match in map(CARD.fullmatch, CASES) if match}
DATA_EXPRESSIONS = [text for text in CASES if not CARD.fullmatch(text)]
PARAMETERS = {"seed": 7, "mode": "SLOW"}


class PlainHeader(dict[str, Any]):
    """A header, as plain Python has it."""

    def __init__(self, header: fits.Header) -> None:
        super().__init__({card.keyword: card.value for card in header.cards})
        self["HISTORY"] = [str(line) for line in header.get("HISTORY", [])]
        self._comments = {card.keyword: card.comment for card in header.cards}

    def keys(self) -> list[str]:  # type: ignore[override]
        return list(super().keys())

    def values(self) -> list[Any]:  # type: ignore[override]
        return list(super().values())

    def comment(self, keyword: str) -> str:
        return self._comments[keyword]

    def count(self, keyword: str) -> int:
        return int(keyword in self)


class PlainTable(dict[str, Any]):
    """A table: its columns."""

    names = property(lambda self: tuple(self))
    shape = property(lambda self: (len(self),))

    def __len__(self) -> int:
        return len(next(iter(self.values())))

    def __getitem__(self, key: str | slice) -> Any:
        if isinstance(key, slice):
            return PlainTable({name: column[key] for name, column in self.items()})
        return super().__getitem__(key)


class PlainHDU:
    def __init__(self, hdu: Any, data: Any) -> None:
        self.header, self.data = PlainHeader(hdu.header), data
        self.name = hdu.name
        self.shape = data.shape


class Plain:
    """A source: the values of the keyword and HDU that are asked for."""

    def __init__(self, hdus: list[Any], own: int = 0, keyword: str = "") -> None:
        self.hdus, self.own, self.keyword = hdus, own, keyword

    def find(self, key: Any) -> Any:
        if isinstance(key, int):
            return self.hdus[key]
        name = key if isinstance(key, str) else key[0]
        return next(hdu for hdu in self.hdus if hdu.name == name)

    def __call__(self, keyword: str | None = None, hdu: Any = None, default: object = "") -> Any:
        wanted = self.keyword if keyword is None else keyword
        places = [self.own, 0] if hdu is None and self.own < len(self.hdus) else [hdu or 0]
        headers = [self.find(place).header for place in places]
        return next((header[wanted] for header in headers if wanted in header), default)

    def __getitem__(self, key: Any) -> Any:
        return self.find(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.hdus)

    def __contains__(self, key: object) -> bool:
        return key in range(len(self.hdus)) or key in [hdu.name for hdu in self.hdus]

    def __len__(self) -> int:
        return len(self.hdus)


class PlainDataFile:
    def __init__(self, keyword: str) -> None:
        self.keyword = keyword
        self.sections = {"": {"PROGRAM": "01234", "ACT_ID": "07"}, "visit": {"VISIT": "099"}}

    def __call__(self, keyword: str | None = None, hdu: str = "", default: object = "") -> object:
        sections = [self.sections[hdu]] if hdu else self.sections.values()
        wanted = self.keyword if keyword is None else keyword
        return next((values[wanted] for values in sections if wanted in values), default)


def _days(time: datetime.datetime) -> float:
    return (time - datetime.datetime(1858, 11, 17)) / datetime.timedelta(days=1)


def _cds(date: str, time: str) -> int:
    since = datetime.datetime.fromisoformat(f"{date}T{time}") - datetime.datetime(1970, 1, 1)
    milliseconds, microseconds = divmod(since.seconds * 10**6 + since.microseconds, 1000)
    return since.days * 2**48 + milliseconds * 2**16 + microseconds


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "toMJD": lambda iso: _days(datetime.datetime.fromisoformat(iso)),
    "fromfitstime": datetime.datetime.fromisoformat,
    "tofitstime": lambda time: time.isoformat(timespec="milliseconds"),
    "date_and_time_to_cds": _cds,
    "map": lambda value, table: table[value],
    "substr": lambda value, start, end=None: str(value)[start:end],
    "in_range": lambda x, low, high: low <= x <= high,
    "is_date": lambda x: bool(datetime.date.fromisoformat(x)),
    "regex": lambda x, pattern: bool(re.fullmatch(pattern, x)),
    "is_integer": lambda x: type(x) is int,
    "is_float": lambda x: type(x) is float,
    "is_numeric": lambda x: type(x) in (int, float),
    "is_string": lambda x: type(x) is str,
    "is_bool": lambda x: type(x) is bool,
    "is_empty": lambda x: x is None or x == "",
}


def plain_value(text: str, hdus: Mapping[str, list[Any]], own: int, keyword: str = "") -> Any:
    """What Python makes of an expression over plain objects."""

    def output(wanted: str) -> Any:
        return plain_value(CARDS[wanted], hdus, 0, wanted)

    class Output:
        __call__ = staticmethod(output)
        __len__ = staticmethod(lambda: 1 + len(DATA_EXPRESSIONS))

    def param(name: str, default: object = "") -> object:
        return PARAMETERS.get(name, default)

    namespace = {
        **FUNCTIONS,
        "T": True,
        "F": False,
        "np": np,
        "input": Plain(hdus["input"], own, keyword),
        "sky": Plain(hdus["sky"], own, keyword),
        "obsid": PlainDataFile(keyword),
        "apt": lambda path: "",
        "output": Output(),
        "param": param,
    }
    return eval(text, namespace)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("expressions")


def _pixels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 65536, (2, 3, 8, 6)).astype("uint16")


def _columns() -> dict[str, np.ndarray[Any, Any]]:
    return {
        "ID": np.array([10, 11, 12, 13], "int32"),
        "NAME": np.array(["Vega", "Deneb", "Altair", "Vega"], "U6"),
        "FLUX": np.array([0.03, 1.25, -0.7, np.pi]),
        "FLAG": np.array([True, False, True, True]),
        "VEC": np.arange(12, dtype="float32").reshape(4, 3),
    }


@pytest.fixture(scope="module")
def sources(directory: Path) -> dict[str, list[Any]]:
    """Write the inputs, and return the plain objects that stand for them."""
    primary = fits.PrimaryHDU(_pixels())
    cards = (
        *(("OBS_ID", "01234567890123456789A"), ("NINT", 2), ("NGROUP", 3), ("NFRAME", 1)),
        *(("GROUPGAP", 0), ("TFRAME", 10.7368), ("DATE-OBS", "2013-02-01"), ("BAND", "S")),
        *(("TIME-OBS", "12:30:00.500"), ("FILTER", "CLEAR"), ("INSTRUME", "NIRSPEC")),
        *(("SCA_ID", 0x1EB), ("COLSTART", 5), ("EXP_TYPE", "NRS_IFU"), ("READOUT", "NRSRAPID")),
        ("TARGNAME", "ngc104_core"),
    )
    for keyword, value in cards:
        primary.header[keyword] = (value, f"about {keyword}")
    primary.header["HISTORY"] = "one"
    primary.header["HISTORY"] = "two"
    pixels = np.linspace(-1, 1, 20, dtype="float32").reshape(4, 5)
    pixels[1, 2] = np.nan
    science = fits.ImageHDU(pixels, name="SCI")
    science.header["GAIN"] = 1.5
    formats = {"ID": "J", "NAME": "6A", "FLUX": "D", "FLAG": "L", "VEC": "3E"}
    columns = [fits.Column(name, formats[name], array=a) for name, a in _columns().items()]
    events = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    fits.HDUList([primary, science, events]).writeto(directory / "in.fits")
    sky = fits.PrimaryHDU(np.ones((2, 2), "float32"))
    sky.header["LEVEL"] = 3.25
    sky.writeto(directory / "sky.fits")
    (directory / "obsid.dat").write_text(
        "<<file obsid>>\nPROGRAM = '01234'\nACT_ID = '07'\n<<header visit>>\nVISIT = '099'\n"
    )
    return {
        "input": [
            PlainHDU(primary, _pixels()),
            PlainHDU(science, pixels),
            PlainHDU(events, PlainTable(_columns())),
        ],
        "sky": [PlainHDU(sky, np.ones((2, 2), "float32"))],
    }


@pytest.fixture(scope="module")
def values(directory: Path, sources: object) -> Iterator[Values]:
    """What fitsgen makes of all expressions: one template, compiled and loaded."""
    lines = ["<<file cases>>", "<<header primary>>"]
    lines += [f"{keyword} = {text}" for keyword, text in CARDS.items()]
    for number, text in enumerate(DATA_EXPRESSIONS, 1):
        lines += [f"<<header d{number}>>", "<<data>>", text]
    template = directory / "cases.gen.txt"
    template.write_text("\n".join(lines) + "\n")
    loaded = compiler.load(str(template))
    given = [directory / "in.fits", {"sky": directory / "sky.fits"}, directory / "obsid.dat"]
    with open_inputs(given) as inputs:
        yield Values(loaded.file_type, inputs.sources, PARAMETERS)


def same(one: Any, other: Any) -> bool:
    """Whether values are of one type and equal, NaN to NaN, and arrays in each element."""
    if isinstance(one, LazyArray):
        one = np.asarray(one)
    if type(one) is not type(other):
        return False
    match one:
        case np.ndarray() | np.generic():
            kinds = one.dtype == other.dtype and one.shape == other.shape
            return kinds and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        case list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case dict():
            return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
        case float():
            return one == other or (one != one and other != other)
    return bool(one == other)


@pytest.mark.parametrize("keyword", CARDS)
def test_a_card_has_the_value_of_plain_python(
    keyword: str, values: Values, sources: dict[str, list[Any]]
) -> None:
    expected = plain_value(CARDS[keyword], sources, 0, keyword)
    if isinstance(expected, np.generic):
        expected = expected.item()  # as a header has it
    assert same(values.lookup(0, keyword), expected), (values.problems, expected)


@pytest.mark.parametrize("number", range(len(DATA_EXPRESSIONS)), ids=DATA_EXPRESSIONS)
def test_data_is_the_value_of_plain_python(
    number: int, values: Values, sources: dict[str, list[Any]]
) -> None:
    expected = plain_value(DATA_EXPRESSIONS[number], sources, number + 1)
    got = values.data(number + 1)
    assert same(got, expected), (got, expected)


def test_there_are_enough_of_them(record_property: Callable[[str, object], None]) -> None:
    assert len(CASES) == len(set(CASES)) >= 150
    message = f"{len(CASES)} legitimate expressions: all allowed, all with plain Python's value"
    record_property("figure", message)
