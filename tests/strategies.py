"""Hypothesis strategies: templates, headers, data files, whole FITS files, and their damages."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fuzz import mutate

NAMES = {"T": True, "F": False, "len": len, "max": max, "str": str, "round": round}

TAKEN = ("COMMENT", "HISTORY", "CONTINUE", "END", "HIERARCH", "SIMPLE", "XTENSION", "BITPIX")
TAKEN += ("NAXIS", "EXTEND", "PCOUNT", "GCOUNT", "GROUPS", "TFIELDS", "THEAP", "INHERIT", "BLANK")
TAKEN += ("EXTNAME", "EXTVER", "EXTLEVEL", "BUNIT", "BZERO", "BSCALE", "CHECKSUM", "DATASUM")
TAKEN += ("FILENAME", "BLOCKED", "EPOCH", "EQUINOX")

printable = st.characters(min_codepoint=32, max_codepoint=126)
texts = st.text(printable, max_size=100).map(str.rstrip)
comments = st.text(printable.filter(lambda c: c != "\\"), max_size=30).map(str.strip)
# Made of letters that begin no keyword of the standard with a type of its own.
keywords = st.from_regex(r"[GJKQ][A-Z0-9_-]{0,7}", fullmatch=True).filter(lambda k: k not in TAKEN)
hierarch = st.from_regex(r"HIERARCH QX( [A-Z0-9]{1,6}){1,3}", fullmatch=True)
names = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: name not in ("as", "in", "is", "or", "if", "primary")
)
reals = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63), 2**63 - 1)
values = st.booleans() | integers | reals | texts


# ---- templates


@dataclass(frozen=True)
class Line:
    """A line of a header section; `value` has what its card has, or nothing."""

    text: str
    keyword: str = ""
    value: tuple[object, ...] = ()


@dataclass(frozen=True)
class Section:
    """An HDU of a template."""

    name: str
    lines: tuple[Line, ...]
    data: str

    @property
    def text(self) -> str:
        data = f"\n<<data>>\n{self.data}\n" if self.data else ""
        return "\n".join([f"<<header {self.name}>>", *(line.text for line in self.lines)]) + data


@dataclass(frozen=True)
class Template:
    """A template that is right, and an include beside it that some of its lines went to."""

    head: str
    sections: tuple[Section, ...]
    included: str

    @property
    def text(self) -> str:
        return "\n".join([self.head, *(section.text for section in self.sections)]) + "\n"


def literal(value: object) -> str:
    return {True: "T", False: "F"}[value] if isinstance(value, bool) else repr(value)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda two: f"[{two[0]}, {two[1]}][1]"),
        pairs.map(lambda two: f"({two[0]} if {two[1]} else {two[0]})"),
        pairs.map(lambda two: f"{two[0]} or {two[1]}"),
        inner.map(lambda one: f"str({one}).upper()"),
        inner.map(lambda one: f"len(str({one})) / 2"),
        inner.map(lambda one: f"{{'a': {one}, 'b / c': 1}}['a']"),
        inner.map(lambda one: f"[x for x in ({one}, 2)][0]"),
        inner.map(lambda one: f"param('none', {one})"),
    )


atoms = values.map(literal) | integers.map(lambda one: f"f'{{{one}:>5}}'")
expressions = st.recursive(atoms, _compound, max_leaves=4)


def value_of(text: str) -> object:
    """Return what an expression gives, by Python itself."""
    return eval(text, {**NAMES, "param": lambda name, default: default})


def _bracketed(text: str) -> str:
    """Return an expression that can stand before a comment: a bare `/` would begin it."""
    return text if text.startswith(("'", '"')) or "/" not in text else f"({text})"


@st.composite
def card_lines(draw: st.DrawFn) -> Line:
    keyword, text = draw(keywords | hierarch), draw(expressions)
    value, comment = value_of(text), draw(comments)
    # Keyword, value and comment of a HIERARCH card share 80 columns.
    if keyword.startswith("HIERARCH") and not isinstance(value, bool):
        text, value = "5", 5
    text = _bracketed(text)
    form = draw(st.sampled_from(["{0:8} = {1} / {2}", "{0}={1}/ {2}", "{0:8} = \\\n  {1} / {2}"]))
    if draw(st.integers(0, 9)) == 0:
        return Line(f"{keyword:8} ?= param('none') / {comment}", keyword)
    return Line(form.format(keyword, text, comment), keyword, (value,))


def _commentary(text: str) -> Line:
    return Line(f"HISTORY = {text!r}")


other_lines = st.one_of(
    comments.map(lambda text: Line(f"/ {text}")),
    comments.map(lambda text: Line(f"# {text}")),
    st.just(Line("")),
    texts.map(_commentary),
    keywords.map(lambda name: Line(f"{name:8} = / undefined", name, (None,))),
)

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
images = st.builds(
    "np.arange({0[0]}, dtype={1!r}).reshape((1, -1)) * np.ones(({0[0]},), dtype={1!r})".format,
    shapes,
    st.sampled_from(["uint8", "int16", "int32", "int64", "float32", "float64", "uint16", "int8"]),
) | st.builds("np.zeros({0}, dtype={1!r})".format, shapes, st.sampled_from(["uint32", "float32"]))
columns = st.sampled_from(
    [
        "np.arange(3)",
        "np.ones((3, 2), dtype='int16')",
        "['a', 'bc', '']",
        "[T, F, T]",
        "np.linspace(0, 1, 3)",
        "[1.5, 2.5, -0.0]",
        "np.arange(3, dtype='uint16')",
    ]
)
tables = st.dictionaries(keywords, columns, min_size=1, max_size=4).map(
    lambda found: "{" + ", ".join(f"{name!r}: {column}" for name, column in found.items()) + "}"
)
data = st.just("") | images | tables


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Draw a template that is right: whatever it makes has to keep the standard."""
    taken: list[str] = ["primary", *draw(st.lists(names, max_size=2, unique=True))]
    sections = []
    for number, name in enumerate(taken):
        lines = draw(st.lists(card_lines() | other_lines, max_size=8))
        # One line a keyword: a second one would win.
        unique = {line.keyword or object(): line for line in lines}.values()
        found = draw(data if number else st.just("") | images)
        sections.append(Section(name, tuple(unique), found))
    included = "\n".join(line.text for line in sections[0].lines[:2]) + "\n"
    if draw(st.booleans()):
        rest = sections[0].lines[2:]
        include = Line('#include "part.gen.inc"')
        sections[0] = Section("primary", (include, *rest), sections[0].data)
    head = draw(
        st.sampled_from(["<<file made>>", "# A summary\n\n<< file made >>", "\ufeff<<file made>>"])
    )
    return Template(head, tuple(sections), included)


# ---- data files


@dataclass(frozen=True)
class DataFileText:
    """A data file, and what it says."""

    text: str
    sections: dict[str, dict[str, object]]


literals = st.recursive(
    values,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


def _literal(value: object) -> str:
    match value:
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case tuple():
            return f"({''.join(f'{_literal(one)}, ' for one in value)})"
    return literal(value)


@st.composite
def data_files(draw: st.DrawFn) -> DataFileText:
    """Draw a data file that is right: loose cards first, then sections of cards."""
    cards = st.dictionaries(keywords, literals, max_size=4)
    found = {"": draw(cards), **draw(st.dictionaries(names, cards, max_size=2))}
    lines = ["<<file facts>>"]
    for name, values_ in found.items():
        lines += [f"<<header {name}>>"] if name else []
        lines += [f"{key:8} = {_literal(one)} / {draw(comments)}" for key, one in values_.items()]
    return DataFileText("\n".join(lines) + "\n", found)


# ---- headers and whole files, as astropy writes them


@st.composite
def headers(draw: st.DrawFn) -> fits.Header:
    """Draw cards of every kind that astropy can write, long strings and undefined values too."""
    header = fits.Header()
    for keyword, value in draw(st.dictionaries(keywords, values | st.none(), max_size=10)).items():
        # astropy cuts a comment that does not fit, with a warning: a short one fits.
        header[keyword] = (value, draw(comments)[:8] if not isinstance(value, str) else "")
    for text in draw(st.lists(texts, max_size=3)):
        header[draw(st.sampled_from(["COMMENT", "HISTORY", ""]))] = text
    if draw(st.booleans()):
        header["HIERARCH QX DET ID"] = draw(st.integers(-9, 9))
    return header


_pixels = st.sampled_from(["u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4", "u8", "i1"]).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        arrays.array_shapes(max_dims=3, max_side=4),
        elements={"allow_nan": False} if "f" in dtype else None,
    )
)
_ROWS = 3
_column = st.one_of(
    *(
        arrays.arrays(
            dtype, (_ROWS, *shape), elements={"allow_nan": False} if "f" in dtype else None
        )
        for dtype in ("u1", "i2", "i4", "i8", "f4", "f8", "?")
        for shape in ((), (2,), (2, 2))
    ),
    arrays.arrays("U5", (_ROWS,), elements=st.text(printable, max_size=5).map(str.rstrip)),
)


@st.composite
def hdu_lists(draw: st.DrawFn) -> fits.HDUList:
    """Draw a whole file: images and tables of every type, with cards of every kind."""
    primary = fits.PrimaryHDU(draw(st.none() | _pixels))
    primary.header.extend(draw(headers()).cards, end=True)
    hdus = fits.HDUList([primary])
    for number, name in enumerate(draw(st.lists(names, max_size=2, unique=True)), 1):
        if draw(st.booleans()):
            hdus.append(fits.ImageHDU(draw(_pixels), name=name))
        else:
            found = draw(st.dictionaries(keywords, _column, min_size=1, max_size=3))
            made = [_fits_column(key, column) for key, column in found.items()]
            hdus.append(fits.BinTableHDU.from_columns(made, name=name))
        hdus[number].header.extend(draw(headers()).cards, end=True)
    return hdus


_CODES = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D", "b1": "L"}


def _fits_column(name: str, values_: np.ndarray) -> fits.Column:
    kind = values_.dtype.str[1:]
    if kind.startswith("U"):
        return fits.Column(name, "5A", array=values_)
    count = int(np.prod(values_.shape[1:]))
    axes = ",".join(map(str, values_.shape[:0:-1]))
    return fits.Column(
        name, f"{count}{_CODES[kind]}", dim=f"({axes})" if values_.ndim > 2 else None, array=values_
    )


# ---- damages

seeds = st.integers(0, 2**32)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Draw a FITS file with a few damages: cards, order, padding, data, or single bytes."""
    content = draw(whole)
    dice = random.Random(draw(seeds))
    for _ in range(draw(st.integers(1, 4))):
        content = mutate.fits(content, dice)
    if content and draw(st.booleans()):
        at = dice.randrange(len(content))
        content = content[:at] + dice.randbytes(2) + content[at + 2 :]
    return content
