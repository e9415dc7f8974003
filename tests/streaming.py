"""Images as FITS files store them, data expressions, and what whole arrays make of the two.

Nothing here is fitsgen's: files are put together card by card, all pixels are decoded and
encoded at once, and expressions are evaluated by Python as they stand. Out: the strategies
`inputs`, `moved` and `computed`, and the reference, `Image.pixels`, `evaluate` and `encoded`.
"""

from __future__ import annotations

import builtins
import gzip
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

Array: TypeAlias = np.ndarray[Any, Any]

STORED = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
HALVES = {8: -128, 16: 2**15, 32: 2**31, 64: 2**63}
"""BZERO of signed bytes and of unsigned integers."""

PIXEL_TYPES = {
    "uint8": (8, 0),
    "int8": (8, -128),
    "int16": (16, 0),
    "uint16": (16, 2**15),
    "int32": (32, 0),
    "uint32": (32, 2**31),
    "int64": (64, 0),
    "uint64": (64, 2**63),
    "float32": (-32, 0),
    "float64": (-64, 0),
}
"""BITPIX and BZERO of the types that an image can have."""

BLOCK = 1 << 20
"""Bytes that are converted at a time; inputs of about its multiples are drawn."""


# Files


@dataclass(frozen=True)
class Image:
    """Pixels as they are stored, byte order apart, and the cards that say what they stand for."""

    stored: Array
    scaling: Mapping[str, str] = field(default_factory=dict)

    def pixels(self) -> Array:
        """Return what the pixels stand for, in the processor's byte order."""
        native = self.stored.astype(self.stored.dtype.newbyteorder("="))
        zero, scale = (
            _number(self.scaling.get(k, d)) for k, d in (("BZERO", "0"), ("BSCALE", "1"))
        )
        size = native.dtype.itemsize
        if (zero, scale) == (0, 1):
            return native
        if native.dtype.kind in "iu" and scale == 1 and zero == HALVES[8 * size]:
            half = np.array(2 ** (8 * size - 1), f"u{size}")
            return (native.view(half.dtype) + half).view("i1" if size == 1 else half.dtype)
        with np.errstate(all="ignore"):
            values = native.astype("f8") * scale + zero
        if "BLANK" in self.scaling and native.dtype.kind in "iu":
            values[native == int(self.scaling["BLANK"])] = np.nan
        return values

    def hdu(self, *, primary: bool, fillers: int = 0) -> bytes:
        """Return header and data, padded; `fillers` more cards move the data further back."""
        bitpix = 8 * self.stored.dtype.itemsize * (-1 if self.stored.dtype.kind == "f" else 1)
        axes = self.stored.shape[::-1]
        cards = [("SIMPLE", "T") if primary else ("XTENSION", "'IMAGE   '")]
        cards += [("BITPIX", str(bitpix)), ("NAXIS", str(len(axes)))]
        cards += [(f"NAXIS{n}", str(axis)) for n, axis in enumerate(axes, 1)]
        cards += [] if primary else [("PCOUNT", "0"), ("GCOUNT", "1")]
        cards += [*self.scaling.items(), *((f"FILLER{n}", str(n)) for n in range(fillers))]
        text = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards) + "END"
        data = self.stored.astype(STORED[bitpix]).tobytes() if axes else b""
        return _padded(text.encode(), b" ") + _padded(data, b"\0")


NOTHING = Image(np.zeros((), "u1"))
OTHER = Image(np.arange(1001, dtype="u1"))


@dataclass(frozen=True)
class Input:
    """A file with one image that is looked at, and others about it."""

    image: Image
    before: tuple[Image, ...] = ()
    after: tuple[Image, ...] = ()
    fillers: int = 0
    packed: bool = False

    @property
    def data(self) -> str:
        """What an expression calls the pixels."""
        return f"input[{len(self.before)}].data"

    @property
    def name(self) -> str:
        return "raw.fits.gz" if self.packed else "raw.fits"

    def content(self) -> bytes:
        hdus = (*self.before, self.image, *self.after)
        parts = [h.hdu(primary=not n, fillers=self.fillers) for n, h in enumerate(hdus)]
        return gzip.compress(b"".join(parts), 1, mtime=0) if self.packed else b"".join(parts)

    def hdus(self) -> list[Any]:
        """Return stand-ins for the HDUs, with all their pixels in memory."""
        arrays = [one.pixels() for one in (*self.before, self.image)]
        return [SimpleNamespace(data=array, shape=array.shape) for array in arrays]


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _padded(data: bytes, fill: bytes) -> bytes:
    return data + fill * (-len(data) % 2880)


@dataclass(frozen=True)
class Written:
    """An HDU that was written: its cards' values as text, its header and its data."""

    cards: Mapping[str, str]
    header: bytes
    data: bytes


def split(content: bytes) -> list[Written]:
    """Take a file apart; fails where its padding or its length is not right."""
    hdus, start = [], 0
    while start < len(content):
        end = start
        while content[end : end + 80] != b"END".ljust(80):
            end += 80
        begin = -(-(end + 80) // 2880) * 2880
        texts = [content[at : at + 80].decode("ascii") for at in range(start, end, 80)]
        cards = {t[:8].strip(): t[10:].split("/")[0].strip() for t in texts if t[8:10] == "= "}
        axes = [int(cards[f"NAXIS{n}"]) for n in range(1, int(cards["NAXIS"]) + 1)]
        size = abs(int(cards["BITPIX"])) // 8 * math.prod(axes) if axes else 0
        size += int(cards.get("PCOUNT", "0"))
        following = begin + -(-size // 2880) * 2880
        assert not content[end + 80 : begin].strip(b" ")
        assert not content[begin + size : following].strip(b"\0")
        assert len(content) >= following
        header, data = content[start:begin], content[begin : begin + size]
        hdus.append(Written(cards, header, data))
        start = following
    return hdus


_small_shapes = st.lists(st.integers(1, 7), min_size=1, max_size=5).map(tuple)


@st.composite
def _shapes(draw: st.DrawFn, itemsize: int) -> tuple[int, ...]:
    match draw(st.integers(0, 15)):
        case 0:
            return tuple(draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)))
        case 1:
            several = draw(st.sampled_from([1, 2]))
            length = BLOCK // itemsize * several + draw(st.integers(-1, 1))
            return draw(st.sampled_from([(length,), (1, length), (length, 1)]))
        case 2:
            wide = [(3, 211, 509), (2, 3, 300, 301), (700, 900), (5, 1, 60_001), (2, 1024, 512)]
            return draw(st.sampled_from(wide))
        case _:
            return draw(_small_shapes)


def _filled(kind: str, seed: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    rng, count = np.random.default_rng(seed), math.prod(shape)
    is_float = dtype.kind == "f"
    match kind:
        case "bits":
            return np.frombuffer(rng.bytes(count * dtype.itemsize), dtype).reshape(shape)
        case "small":
            values = rng.integers(0, 100, shape)
            return (values / 4 if is_float else values).astype(dtype)
        case "ramp":
            return np.arange(count).astype(dtype).reshape(shape)
    limits = np.finfo(dtype) if is_float else np.iinfo(dtype)
    edges = [limits.min, 0, 1, 2, limits.max]
    edges += [-0.0, np.nan, np.inf, -np.inf, 0.1, 1.5] if is_float else [limits.max - 1]
    return rng.choice(np.array(edges, dtype), shape)


@st.composite
def _scalings(draw: st.DrawFn, bitpix: int) -> dict[str, str]:
    half = HALVES.get(bitpix, 32768)
    kinds: list[dict[str, list[str]]] = [
        {},
        {"BZERO": [str(half), f"{half}.0", f"{half:.18E}"], "BSCALE": ["1", "1.0"]},
        {"BZERO": [str(half)]},
        {"BSCALE": ["1", "1.0"], "BZERO": ["0", "0.0"]},
        {"BSCALE": ["0.01", "2", "-1", "1E300", "0"], "BZERO": ["0", "10", "-1.5E10", str(half)]},
        {"BZERO": ["0.5", "32768", "2147483648.0", "-128", "1"]},
    ]
    chosen = {k: draw(st.sampled_from(v)) for k, v in draw(st.sampled_from(kinds)).items()}
    if draw(st.booleans()) and bitpix > 0:
        limits = np.iinfo(STORED[bitpix])
        chosen["BLANK"] = str(draw(st.sampled_from([0, 1, int(limits.min), int(limits.max)])))
    return chosen


@st.composite
def inputs(draw: st.DrawFn, *, scaled: bool = True, large: bool = True) -> Input:
    """Draw a file; `scaled`: perhaps with BZERO and BSCALE, `large`: perhaps of several blocks."""
    bitpix = draw(st.sampled_from(list(STORED)))
    dtype = np.dtype(STORED[bitpix])
    shape = draw(_shapes(dtype.itemsize) if large else _small_shapes)
    kind = draw(st.sampled_from(["small", "limits", "bits", "ramp"]))
    image = Image(
        _filled(kind, draw(st.integers(0, 999)), dtype, shape),
        draw(_scalings(bitpix)) if scaled else {},
    )
    return Input(
        image,
        draw(st.sampled_from([(), (), (NOTHING,), (OTHER,), (NOTHING, OTHER)])),
        draw(st.sampled_from([(), (OTHER,)])),
        draw(st.sampled_from([0, 5, 40])),
        draw(st.integers(0, 4)) == 0,
    )


# Expressions


@dataclass(frozen=True)
class Expression:
    """The text of a data section.

    loose: what floats may have other bits for, "nan" or "zero": which NaN arithmetic gives, and
        which zero is the smaller, is the processor's business.
    selects: whether pixels are left out, which then may or may not be warned of.
    """

    text: str
    loose: frozenset[str] = frozenset()
    selects: bool = False


@dataclass(frozen=True)
class Operations:
    """Texts of operations on an array `@`, words in capitals to be filled in, and their nature."""

    texts: tuple[str, ...]
    loose: frozenset[str] = frozenset({"nan"})
    selects: bool = False


MOVES = Operations(
    (
        *("@[INDICES]",) * 8,
        *("@.reshape(SHAPE)", "np.reshape(@, SHAPE)", "@.reshape(-1)", "@.ravel()", "np.ravel(@)"),
        *("np.flip(@)", "np.flip(@, AXIS)", "np.flip(@, axis=(AXIS,))", "np.flipud(@)", "@.copy()"),
        *("@.T", "@.transpose()", "@.transpose(AXES)", "np.transpose(@, AXES)", "@.flatten()"),
        *("@.swapaxes(AXIS, AXIS)", "np.swapaxes(@, AXIS, AXIS)", "np.moveaxis(@, AXIS, AXIS)"),
        *("@.squeeze()", "np.squeeze(@[..., :1], axis=-1)", "np.expand_dims(@, AXIS)", "@.real"),
        *("np.fliplr(@)", "np.rot90(@, TURNS)", "np.rot90(@, k=TURNS, axes=(-1, 0))"),
        *("np.broadcast_to(@, (2,) + @.shape)", "np.broadcast_to(@[:1], @.shape)"),
        *(
            "@.reshape(SHAPE, order='F')",
            "@.ravel('F')",
            "np.rollaxis(@, AXIS)",
            "np.atleast_3d(@)",
        ),
    ),
    loose=frozenset(),
    selects=True,
)
CASTS = Operations(
    (*("@.astype(TYPE)", "@.astype(dtype=TYPE)") * 4, "@.astype('float16').astype('float32')")
)
SUMS = Operations(
    (
        *("(@ OPERATOR NUMBER)", "(NUMBER OPERATOR @)", "(@ OPERATOR @)") * 4,
        *("(@ OPERATOR @[..., ::-1])", "(@[..., :1] OPERATOR @)", "np.multiply(@, NUMBER)"),
        *("(@ OPERATOR np.arange(@.shape[-1]))", "(np.arange(@.size).reshape(@.shape) OPERATOR @)"),
        *("(@ OPERATOR ([2] * @.shape[-1]))", "(np.zeros(@.shape[-1], ANY) OPERATOR @)"),
        *(
            "(-@)",
            "abs(@)",
            "np.abs(@)",
            "(@ ** 2)",
            "(@ ** 0.5)",
            "np.sqrt(np.abs(@))",
            "np.square(@)",
        ),
        *("np.round(@, 1)", "@.round()", "np.round(@, decimals=-1)", "np.trunc(@)", "np.floor(@)"),
        *("np.nan_to_num(@)", "np.nan_to_num(@, nan=-1)", "np.sign(@)", "np.divmod(@, 7)[1]"),
        *("np.add(@, 1, dtype='float64')", "(@ / (@ + 1))", "(@ * 2j).imag", "np.real(@ + 1j)"),
    )
)
BITS = Operations(
    (
        *("(@ & 7)", "(@ | 1)", "(5 ^ @)", "(@ << 1)", "(@ >> 2)", "(~@)", "(@ & @[..., ::-1])"),
        *("np.bitwise_and(@, 3)", "np.right_shift(@, 1)", "np.gcd(@, 6)"),
    )
)
COMPARISONS = Operations(
    (
        *("(@ COMPARED NUMBER).astype('uint8')", "(NUMBER COMPARED @).astype('int16')"),
        *("np.where(@ COMPARED NUMBER, @, NUMBER)", "np.where(@ != @, 0, @)"),
        *("np.where(@ > 9, np.arange(@.shape[-1]), 1.5)", "np.isnan(@).astype('float32')"),
        *("((@ > 3) & ~(@ > 50)).astype('uint16')", "np.isfinite(@).astype('uint32')"),
        *("(@ == @[..., ::-1]).astype('int8')", "np.logical_not(@).astype('int64')"),
    )
)
ORDERS = Operations(
    (
        *("np.clip(@, 2, 50)", "@.clip(0, 90)", "np.clip(@, NUMBER, 100)", "@.max(axis=0)"),
        *("np.minimum(@, NUMBER)", "np.maximum(NUMBER, @)", "np.sort(@, AXIS)", "@.min(AXIS)"),
        *("np.clip(@, a_min=2, a_max=None)", "np.minimum(@, @.max())", "@.clip(max=7)"),
        *("np.median(@, axis=AXIS)", "(@ - @.min())", "np.unique(@)"),
    ),
    loose=frozenset({"nan", "zero"}),
    selects=True,
)
CONSTANTS = Operations(
    (
        *("np.ones(@.shape)", "np.zeros(@.shape, ANY)", "np.full(@.shape, NUMBER)"),
        *("np.ones(@.shape, dtype=ANY)", "np.full(@.shape, 3, ANY)", "np.zeros(@.shape[-1])"),
        *("np.ones_like(@)", "np.zeros_like(@)", "np.full_like(@, 3)", "np.full(@.shape, -0.0)"),
        *("np.ones(@.shape).astype(ANY)", "(np.ones(@.shape) * NUMBER)", "np.zeros([2, 3], ANY)"),
        *("np.full(@.shape, @[..., :1])", "np.full(shape=@.shape, fill_value=np.nan)"),
        *("np.full(@.shape, -128, 'int8')", "np.full(@.shape, 32768, 'uint16')"),
        *("np.zeros(np.prod(@.shape))", "np.full((2, 3), [1, 2, 3])", "np.ones_like(@, ANY)"),
    ),
    selects=True,
)
GATHERINGS = Operations(
    (
        *("np.concatenate((@, @))", "np.concatenate([@, @[::-1]], axis=AXIS)", "np.tile(@, 2)"),
        *("np.stack((@, @))", "np.stack([@, @], axis=-1)", "np.roll(@, 2, AXIS)", "np.diff(@)"),
        *("@.cumsum(0)", "np.cumsum(@, axis=AXIS)", "@[@ > 3]", "@[[0, -1]]", "np.pad(@, 1)"),
        *("np.repeat(@, 2, axis=AXIS)", "np.take(@, [0], axis=AXIS)", "np.array([@, @])"),
        *("np.array(@)", "np.asarray(@, 'float64')", "np.ascontiguousarray(@)"),
        *("np.array([part for part in @])", "np.block([[@], [@]])", "np.select([@ > 3], [@])"),
    ),
    selects=True,
)
FAULTS = Operations(
    (
        *("@.reshape(@.size + 1)", "@[1000000]", "@.transpose((0, 0))", "np.moveaxis(@, 0, 9)"),
        *("np.squeeze(@, 99)", "(@ + np.arange(@.size + 2))", "np.concatenate((@, @[0]))"),
        *("@.astype('float16')", "@.astype('complex64')", "(@ > 3)", "@.astype('bool')", "@.size"),
        *("@.max()", "@.tolist()", "@.shape", "(@ + 'a')", "(@ if @ > 3 else 0)", "(@ ** -1)"),
        *(
            "(@ & 1)",
            "(@.astype('int8') + 300)",
            "np.stack((@, @[..., :0]))",
            "float(@)",
            "(@ + 1j)",
        ),
        *("@[..., 0, 0, 0, 0, 0, 0]", "np.broadcast_to(@, (2, 8, 9))", "(-(@ > 3))", "(3 < @ < 9)"),
        *("np.zeros(-1)", "np.full(@.shape, [1] * 9)", "np.ones((2, 2.5))", "np.full((), 7)"),
        *(
            "np.full(@.shape, 300, 'uint8')",
            "np.flip(@, 7)",
            "np.where(@ > 3)",
            "@.reshape((-1, 0))",
        ),
    ),
    selects=True,
)
"""What NumPy mostly refuses, or FITS cannot hold."""

CHAINED = (*(MOVES,) * 6, *(CASTS, SUMS) * 2, BITS, COMPARISONS, ORDERS, CONSTANTS, GATHERINGS)
NUMBERS = ("1", "2", "7", "100", "0", "-3", "0.5", "-1.5", "np.float32(1.5)", "np.uint8(3)")


def _operation(draw: st.DrawFn, x: Array, kind: Operations) -> str:
    text = draw(st.sampled_from(kind.texts))
    return re.sub("[A-Z]{3,}", lambda word: _word(draw, x, word[0]), text)


def _word(draw: st.DrawFn, x: Array, word: str) -> str:
    """Draw what stands for a word in capitals."""
    match word:
        case "INDICES":
            return _indices(draw, x.shape)
        case "SHAPE":
            return str(_shape(draw, x.size))
        case "AXIS":
            return str(draw(st.integers(-x.ndim, x.ndim - 1)))
        case "AXES":
            return str(tuple(draw(st.permutations(range(x.ndim)))))
        case "TYPE" | "ANY":
            names = [name for name in PIXEL_TYPES if word == "ANY" or _holds(np.dtype(name), x)]
            return _type(draw, draw(st.sampled_from(names)))
    words = {"OPERATOR": "+ - * / // %", "COMPARED": "< <= == != > >=", "TURNS": "-1 0 1 2 3"}
    return draw(st.sampled_from(words[word].split() if word in words else NUMBERS))


def _shape(draw: st.DrawFn, size: int) -> tuple[int, ...]:
    """Draw a shape of a size; one of its axes may be given as -1."""
    axes: list[int] = []
    rest = size
    for _ in range(draw(st.integers(0, 4))):
        divisors = [n for n in (1, 2, 3, 4, 5, 6, 7, 300, 1024) if rest and rest % n == 0]
        axes.append(draw(st.sampled_from(divisors or [1])))
        rest //= axes[-1]
    axes.insert(draw(st.integers(0, len(axes))), rest)
    if size and draw(st.booleans()):
        axes[draw(st.integers(0, len(axes) - 1))] = -1
    return tuple(axes)


def _indices(draw: st.DrawFn, shape: tuple[int, ...]) -> str:
    """Draw what stands between square brackets."""
    parts = []
    for length in shape[: draw(st.integers(0, len(shape)))]:
        match draw(st.integers(0, 4)):
            case 0 if length:
                parts.append(str(draw(st.integers(-length, length - 1))))
            case 1:
                parts.append(":")
            case 2:
                parts.append(f"::{draw(st.sampled_from([-1, 2, -2, 3, 50]))}")
            case _:
                start, stop = (draw(st.none() | st.integers(-length - 1, length)) for _ in "ab")
                step = draw(st.sampled_from([None, -1, 2, -2]))
                parts.append(":".join("" if n is None else str(n) for n in (start, stop, step)))
    match draw(st.integers(0, 3)):
        case 0:
            parts.insert(draw(st.integers(0, len(parts))), "np.newaxis")
        case 1:
            parts.append("...")
        case 2 if len(parts) == len(shape):
            parts.insert(draw(st.integers(0, len(parts))), "...")
    return ", ".join(parts) or "..."


def _type(draw: st.DrawFn, name: str) -> str:
    short = draw(st.sampled_from("<>=")) + np.dtype(name).str[1:]
    return draw(st.sampled_from([f"'{name}'", f"np.{name}", f"'{short}'"]))


def _holds(target: np.dtype[Any], x: Array) -> bool:
    """Whether a cast is defined: that of a float to an integer out of its range is not."""
    if x.dtype.kind != "f" or target.kind == "f":
        return True
    low, above = float(np.iinfo(target).min), float(np.iinfo(target).max + 1)
    return bool(np.all((x >= low) & (x < above)))


@st.composite
def moved(draw: st.DrawFn, **kinds: bool) -> tuple[Input, Expression]:
    """Draw a file as `inputs` does, and an expression that moves its pixels and no more."""
    given = draw(inputs(**kinds))
    return given, _chain(draw, given, [MOVES] * draw(st.integers(0, 4)))


@st.composite
def computed(draw: st.DrawFn, **kinds: bool) -> tuple[Input, Expression]:
    """Draw a file and any expression; about one in five is refused by NumPy or by FITS."""
    given = draw(inputs(**kinds))
    chain = draw(st.lists(st.sampled_from(CHAINED), min_size=1, max_size=4))
    return given, _chain(draw, given, chain + [FAULTS] * (draw(st.integers(0, 9)) == 9))


def _chain(draw: st.DrawFn, given: Input, chain: list[Operations]) -> Expression:
    """Draw an expression of a chain of operations, shorter where nothing more can be done."""
    found, x = Expression(given.data), given.image.pixels()
    for kind in chain:
        if not is_image(x):
            break
        if kind is BITS and x.dtype.kind == "f":
            kind = SUMS
        operation = _operation(draw, x, kind)
        text = operation.replace("@", found.text)
        x, _ = evaluate(operation.replace("@", "x"), x=x)
        if np.size(x) > 700_000 or len(text) > 1000:
            break
        found = Expression(text, found.loose | kind.loose, found.selects or kind.selects)
    return found


# The reference


def evaluate(text: str, **names: object) -> tuple[Any, set[str]]:
    """Return what an expression gives in Python, an exception perhaps, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = eval(text, {"np": np, "__builtins__": builtins}, names)
        except Exception as error:
            result = error
    return result, {str(one.message) for one in caught}


def is_image(result: object) -> bool:
    """Whether FITS can hold a result as an image."""
    return isinstance(result, np.ndarray) and result.ndim > 0 and result.dtype.name in PIXEL_TYPES


def encoded(array: Array) -> tuple[dict[str, str], bytes]:
    """Return the structural cards of an image, and its bytes."""
    bitpix, zero = PIXEL_TYPES[array.dtype.name]
    cards = {"BITPIX": str(bitpix), "NAXIS": str(array.ndim)}
    cards |= {f"NAXIS{n}": str(axis) for n, axis in enumerate(array.shape[::-1], 1)}
    if zero:
        cards |= {"BZERO": str(zero), "BSCALE": "1"}
        size = array.dtype.itemsize
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        array = native.view(f"u{size}") - np.array(2 ** (8 * size - 1), f"u{size}")
    return cards, array.astype(STORED[bitpix]).tobytes()


def alike(data: bytes, bitpix: int, loose: frozenset[str]) -> bytes:
    """Return the bytes of pixels, floats that count as the same made the same."""
    if bitpix > 0 or not loose:
        return data
    values = np.frombuffer(data, STORED[bitpix]).copy()
    if "nan" in loose:
        values[np.isnan(values)] = np.nan
    if "zero" in loose:
        values[values == 0] = 0
    return values.tobytes()
