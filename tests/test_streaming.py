"""What is written block by block is what whole arrays give, byte for byte."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from streaming import (
    BLOCK,
    NOTHING,
    OTHER,
    PIXEL_TYPES,
    STORED,
    Array,
    Expression,
    Image,
    Input,
    Written,
    alike,
    computed,
    encoded,
    evaluate,
    is_image,
    moved,
    split,
)

import fitsgen
from fitsgen.diagnostics import FitsgenError
from fitsgen.inputs.fits import FitsFile

HERE = Path(__file__).parent
Case = tuple[Input, Expression]


def drawn(examples: int) -> Callable[[Any], Any]:
    """Set how many examples a test draws: the same in every run.

    FITSGEN_EXAMPLES=10 draws ten times as many, and others each time.
    """
    factor = int(os.environ.get("FITSGEN_EXAMPLES", "1"))
    return settings(
        max_examples=examples * factor,
        derandomize=factor == 1,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Made:
    """What a conversion gave: the bytes of a file or an error, and warnings."""

    content: bytes = b""
    error: FitsgenError | None = None
    warnings: tuple[str, ...] = ()

    def hdus(self) -> list[Written]:
        if self.error:
            raise self.error
        return split(self.content)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither keep templates that are used once, nor wait for the disk."""
    monkeypatch.setenv("FITSGEN_CACHE", "")
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("os.fdatasync", lambda _: None)


def make(file: Input, lines: str, **options: Any) -> Made:
    """Convert a file by the lines of a template; what is left behind fails the test."""
    with tempfile.TemporaryDirectory(prefix="streaming-") as name:
        directory, out = Path(name), Path(name) / "out"
        out.mkdir()
        (directory / file.name).write_bytes(file.content())
        template = directory / "streamed.gen.txt"
        template.write_text(f"<<file streamed>>\n{lines}\n")
        options = {"template": template, "output": out / "made.fits", "verified": False, **options}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                path = fitsgen.convert(directory / file.name, **options)
            except FitsgenError as error:
                assert list(out.iterdir()) == [], "something was left behind"
                return Made(error=error)
        assert list(out.iterdir()) == [path]
        return Made(path.read_bytes(), None, tuple(str(one.message) for one in caught))


def image(text: str, *cards: str) -> str:
    """Return the lines of one HDU; the expression stands in line 3 after its cards."""
    return "\n".join(["<<header one>>", *cards, "<<data>>", text])


def names_line(error: FitsgenError, line: int) -> bool:
    return f"streamed.gen.txt:{line}:" in str(error)


def assert_written(hdu: Written, array: Array, loose: frozenset[str] = frozenset()) -> None:
    """Fail unless an HDU is what an array is as a whole."""
    cards, data = encoded(array)
    found = {k: hdu.cards[k] for k in hdu.cards if k in cards or k.startswith(("NAXIS", "B"))}
    assert found == cards
    bitpix = int(cards["BITPIX"])
    assert alike(hdu.data, bitpix, loose) == alike(data, bitpix, loose)


BY = " encountered in "


def assert_converted(file: Input, expression: Expression, *, extension: bool = False) -> None:
    """Convert, and fail unless Python makes the same of the expression."""
    expected, told = evaluate(expression.text, input=file.hdus())
    first = "<<header nothing>>\n" if extension else ""
    made = make(file, first + image(expression.text))
    if not is_image(expected):
        assert made.error, f"{expected!r} was written"
        assert names_line(made.error, 4 + extension), str(made.error)
        return
    hdus = made.hdus()
    assert len(hdus) == 1 + extension
    assert_written(hdus[-1], expected, expression.loose)
    # NumPy calls the same function by several names, so that the name is left open.
    expected_kinds = {message.partition(BY)[0] for message in told if BY in message}
    kinds = {one.partition(BY)[0].rpartition("data: ")[2] for one in made.warnings if BY in one}
    # Whether a signalling NaN is told of when it is scaled is left open, too.
    assert kinds <= expected_kinds | ({"invalid value"} if file.image.scaling else set())
    assert expression.selects or expected_kinds <= kinds


# Any file, any expression

TINY = {
    "fitsgen.lazy.pieces.PIECE": 100,
    "fitsgen.lazy.gather.PIECE": 100,
    "fitsgen.lazy.gather._FAR": 50,
    "fitsgen.lazy.nodes.PIECE": 100,
    "fitsgen.lazy.nodes.SLAB": 400,
    "fitsgen.runtime.pixels.PIECE": 100,
    "fitsgen.runtime.writing.PIECE": 64,
    "fitsgen.runtime.writing.WORTH_THREADS": 0,
    "fitsgen.runtime.np.SMALL": 0,
}
"""Bytes that a piece of work has, so that a small image is cut to many."""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in TINY.items():
        monkeypatch.setattr(name, size)


@drawn(50)
@given(moved())
def test_pixels_that_are_moved_keep_their_bits(case: Case) -> None:
    assert_converted(*case)


@drawn(110)
@given(computed())
def test_any_expression_is_what_python_makes_of_it(case: Case) -> None:
    assert_converted(*case, extension=len(case[1].text) % 2 == 1)


@pytest.mark.usefixtures("tiny")
@drawn(50)
@given(moved(large=False))
def test_small_pieces_of_pixels_that_are_moved(case: Case) -> None:
    assert_converted(*case)


@pytest.mark.usefixtures("tiny")
@drawn(140)
@given(computed(large=False))
def test_small_pieces_of_any_expression(case: Case) -> None:
    assert_converted(*case)


QUIET = [0x7FC00001, 0xFFC12345, 0x7F800000, 0xFF800000, 0x80000000]
BITS = {
    "float32": np.arange(0x7F800000 - 600, 0x7F800000 + 600, dtype="u4").view("f4"),
    "float64": (np.arange(-600, 600) + 0x7FF0000000000000).astype("u8").view("f8"),
    "negative zero": np.array([0.0, -0.0, 1.0, -1.0, 5e-324]),
    "quiet": np.array(QUIET, "u4").view("f4"),
    "signalling": np.array([0x7F800001, 0xFF812345, 0x7FA00000], "u4").view("f4"),
}
UNTOUCHED = (
    *("@", "@[::-1]", "@[::2]", "@[np.newaxis].T", "@.reshape((1, -1))", "@.copy()"),
    *("np.stack((@, @), axis=1).T.ravel()", "np.concatenate((@[1:], @))", "@[[1, 0, 2]]"),
    *("np.where(@ == 0, @, @[::-1])", "np.broadcast_to(@, (2,) + @.shape)", "@[@ != 0]"),
    *("np.roll(@, 1)", "@.astype(@.dtype)"),
)


@pytest.mark.parametrize("text", UNTOUCHED)
@pytest.mark.parametrize("name", BITS)
def test_every_bit_of_a_float_passes(name: str, text: str) -> None:
    file = Input(Image(BITS[name]))
    text = text.replace("@", file.data)
    expected, _ = evaluate(text, input=file.hdus())
    assert_written(make(file, image(text)).hdus()[0], expected)


# Chosen shapes


def ramp(dtype: str, *shape: int) -> Array:
    """Return pixels none of which is like its neighbours, nor a block like another."""
    count = math.prod(shape)
    return (np.arange(count, dtype="u8") * 2654435761 >> 7).astype(dtype).reshape(shape)


def unsigned(*shape: int) -> Input:
    return Input(Image(ramp(">i2", *shape), {"BZERO": "32768", "BSCALE": "1"}), (NOTHING, OTHER))


LARGE = (
    "@",
    "@.T",
    "@[:, ::-1]",
    "@[..., ::-1]",
    "@.T[::-1]",
    "@.swapaxes(-1, -2)[..., ::-1, ::-1]",
    "np.rot90(@, 1, (1, 2))",
    "@.transpose((1, 2, 0))",
    "np.moveaxis(@, 0, -1)[::-3]",
    "@[::50, ..., 5]",
    "@[::-1, 1::7, ::-100]",
    "@[1:2, 100:101, 3:4]",
    "@[:, 17:683, 11:-13]",
    "@[..., 0]",
    "@.reshape((900, 2100)).T",
    "@.swapaxes(1, 2).reshape((700, 2700))",
    "@[:, ::2].ravel()",
    "@.astype('float32')",
    "@.astype('int16')[..., ::-1].astype('>i8')",
    "@.T.astype('float64') / 3",
    "(@ - 40000)[:, ::-1]",
    "np.clip(@[::-1], 100, 200).astype('uint8')",
    "np.where(@.T > 30000, 1.5, @.T)",
    "@ + @[:, ::-1, ::-1]",
    "@ * np.arange(900) + np.arange(700)[:, np.newaxis]",
    "(@ - np.median(@, axis=0)).astype('float32')",
    "np.concatenate((@, @[:, ::-1]), axis=2)",
    "np.sort(@, axis=-1)",
    "@[@ > 60000]",
    "np.broadcast_to(@[:, :1], (2,) + @.shape)",
    "np.full(@.shape, 7, 'uint16')",
    "np.ones(@.shape).astype('float32')",
    "np.zeros((3,) + @.shape, 'uint32')",
    "np.zeros(@.shape) - np.ones(@.shape, 'int8')",
)


@pytest.mark.parametrize("text", LARGE)
def test_images_of_many_blocks(text: str) -> None:
    file = unsigned(3, 700, 900)
    assert_converted(file, Expression(text.replace("@", file.data)))


@pytest.mark.parametrize("text", ["@.T", "@.swapaxes(1, 2)[..., ::-1]", "@.T.astype('float32')"])
def test_turned_frames_that_are_too_large_to_be_read_at_once(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitsgen.lazy.nodes.SLAB", 4 << 20)
    file = unsigned(1, 2048, 4500)
    assert_converted(file, Expression(text.replace("@", file.data)))


KEYS = st.one_of(
    st.just(...),
    st.none(),
    st.integers(-3, 3),
    st.builds(slice, *[st.none() | st.integers(-4, 4)] * 2, st.sampled_from([None, 1, -1, 2, -3])),
)


@pytest.mark.usefixtures("tiny")
@drawn(300)
@given(st.lists(st.lists(KEYS, max_size=5).map(tuple), max_size=3), st.integers(0, 2))
def test_any_basic_index_gives_what_numpy_gives(keys: list[tuple[Any, ...]], gap: int) -> None:
    """Where pixels lie is told by an array without memory: to look at it would end the process."""
    stored = ramp(">i2", 3, 2, 4 + 90 * gap)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "raw.fits"
        path.write_bytes(Input(Image(stored)).content())
        with FitsFile.open(path) as file:
            found, expected = file[0].data, stored.astype("i2")
            for key in keys:
                try:
                    expected = expected[key]
                except IndexError:
                    with pytest.raises(IndexError):
                        found[key]
                    return
                found = found[key]
                if not isinstance(expected, np.ndarray):
                    break
            assert found.shape == expected.shape
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("text", ["@", "@[::-1]", "@ + 1", "@.astype('uint8')"])
@pytest.mark.parametrize("more", [-1, 0, 1, BLOCK // 2 - 1, BLOCK // 2])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_sizes_about_a_block(more: int, text: str, packed: bool) -> None:
    file = replace(unsigned(BLOCK // 2 + more), packed=packed)
    assert_converted(file, Expression(text.replace("@", file.data)))


@pytest.mark.parametrize("dtype", STORED.values())
@pytest.mark.parametrize("text", ["@", "@.T[:, ::-1]", "@ + 1", "@ == @"])
def test_every_stored_type_in_many_blocks(dtype: str, text: str) -> None:
    file = Input(Image(ramp(dtype, 2, 301, 1103)), fillers=3)
    text = text.replace("@ == @", "(@ == @).astype('int8')").replace("@", file.data)
    assert_converted(file, Expression(text))


SMALL = [(1,), (1, 1, 1, 1, 1), (0,), (4, 0), (0, 4), (3, 0, 2), (1, 3), (3, 1)]


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("text", ["@", "@.T", "@[::-1] + 1", "np.zeros(@.shape)", "@.astype('f8')"])
def test_images_of_hardly_a_pixel(shape: tuple[int, ...], text: str) -> None:
    file = unsigned(*shape)
    assert_converted(file, Expression(text.replace("@", file.data)))


NUMPYS = (
    *(
        "np.zeros(np.prod(@.shape))",
        "np.ones(np.int64(300))",
        "np.full((3, 2), [1, 2])",
        "2 ** (@ % 9)",
    ),
    *("np.full(@.shape, 2.7, 'int16')", "np.full(@.shape, '7', 'int16')", "np.full(@.shape, @[0])"),
    *(
        "np.full(@.shape, -1, 'uint16')",
        "np.zeros(@.shape, order='F')",
        "np.zeros(None)",
        "np.zeros('a')",
    ),
    *(
        "np.ones(@.shape, 'S3')",
        "np.zeros(np.array([7, 70]))",
        "np.zeros((-1, 7))",
        "np.zeros(7.0)",
    ),
    *("np.zeros(@.shape)[[1, 2]]", "np.ones(@.shape).cumsum()", "np.zeros(@.shape).sum(axis=0)"),
    *("np.random.default_rng(1).permutation(@)", "np.random.default_rng(2).poisson(@[:9])"),
    *(
        "np.left_shift(1, @ % 30)",
        "@.astype('i2').astype('u2')",
        "@.astype('U3')",
        "np.arange(9)[@[0, :3]]",
    ),
    *(
        "@.clip(5)",
        "@.clip(None, 5)",
        "np.around(@, -3)",
        "@.round(decimals=-2)",
        "np.resize(@, (2, 3))",
    ),
    *(
        "np.hstack((@, np.zeros(@.shape)))",
        "np.append(@, 3)",
        "np.insert(@, 0, 3)",
        "np.where(@ % 2)[0]",
    ),
    *("np.split(@, 2)[1]", "np.array_split(@, 4)[3]", "np.matmul(@[:, :5], @[:5].astype('i8'))"),
    *("np.outer(@[0], @[1])", "np.diff(@, n=2)", "np.gradient(@.astype('f8'))[0]", "np.tril(@)"),
    *("np.flatnonzero(@ > 599)", "np.isin(@, [3, 5]).astype('u1')", "np.choose(@ % 2, [@, @ + 1])"),
    *("np.packbits(@ % 2 == 0)", "np.interp(@, [0, 100], [0, 1])", "np.digitize(@, [5, 100])"),
    *(
        "np.select([@ > 5, @ > 2], [@, -@], 9)",
        "np.polyval([1, 2], @)",
        "np.meshgrid(@[:3], @[:4])[1]",
    ),
    *(
        "np.flip(m=@)",
        "np.transpose(a=@)",
        "np.reshape(@, (-1, 2), order='F')",
        "np.convolve(@[0], [1, 2])",
    ),
    *(
        "np.concatenate([@[0], [1, 2]])",
        "np.maximum(@, np.array(5))",
        "@ + np.array([5])",
        "@ // @[::-1]",
    ),
    *(
        "np.minimum(@, [[[5]], [[7]]])",
        "@ if @.size > 3 else 0",
        "[@][0]",
        "{'a': @}['a']",
        "sum([@, @])",
    ),
    *("np.count_nonzero(@, axis=0)", "np.lexsort((@, @))", "np.ones_like(@, shape=(3, 4))"),
    *(
        "np.zeros_like(@, dtype='u1')",
        "np.full_like(@, 2.5)",
        "np.full_like(@, [1])",
        "np.fmod(@, 3)",
    ),
    *("np.float_power(@, 2)", "np.logical_and(@, 1).astype('u1')", "np.isfinite(@)", "np.imag(@)"),
    *(
        "np.conj(@)",
        "np.copysign(@, -1)",
        "np.heaviside(@, 0.5)",
        "np.frexp(@)[1]",
        "@.repeat(2, axis=1)",
    ),
    *(
        "np.ldexp(@ * 1.0, 2)",
        "np.sum([@, @], axis=0)",
        "np.max([@, @[::-1]], axis=0)",
        "@.trace()",
    ),
    *(
        "np.array([@[::2], @[1::2]]).T",
        "max([@[3, 0], @[5, 0]]) + @",
        "@.T.argsort()",
        "@[@[0, 0]]",
    ),
)
"""What NumPy does besides, and that must not depend on how an array is cut."""


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("text", NUMPYS)
def test_other_functions_give_what_numpy_gives(text: str) -> None:
    file = Input(Image(ramp(">i4", 12, 50) % 1000))
    assert_converted(file, Expression(text.replace("@", file.data), frozenset({"nan"}), True))


POWERS = np.array([0.0, -0.0, 4.0, 2.0, 3e-310, np.inf, -np.inf])


@pytest.mark.parametrize("text", ["@ ** 0.5", "@ ** 2", "@ ** -1", "0.5 ** @", "@ ** @[::-1]"])
def test_powers_are_numpys(text: str) -> None:
    """NumPy takes roots and reciprocals for some of them."""
    file = Input(Image(POWERS))
    assert_converted(file, Expression(text.replace("@", file.data), frozenset({"nan"})))


def test_several_hdus_of_one_image() -> None:
    file = unsigned(2, 300, 1801)
    texts = ["@", "@[:, ::-1]", "np.ones(@.shape, 'float32')", "np.zeros(@.shape, 'uint32')"]
    texts += ["output['H0'].data.T", "output['H1'].data * 2", "output['H2'].data + @"]
    texts = [text.replace("@", file.data) for text in texts]
    lines = [f"<<header h{n}>>\nEXTNAME = 'H{n}'\n<<data>>\n{t}" for n, t in enumerate(texts)]
    output: dict[str, Any] = {}
    for n, hdu in enumerate(make(file, "\n".join(lines)).hdus()):
        array, _ = evaluate(texts[n], input=file.hdus(), output=output)
        output[f"H{n}"] = SimpleNamespace(data=array)
        assert_written(hdu, array)


# Numbers


NUMBERS = (
    *("int(@.max())", "int(@.sum())", "float(@.mean())", "int(@[1, 2, 3])", "int(@[0].T[-1, 0])"),
    *("len(@)", "@.size", "@.ndim", "@.shape[-1]", "@.nbytes", "@.itemsize", "int(max(@[0, 0]))"),
    *("sum([int(x) for x in @[0, :, 1]])", "@[0, 0].tolist()[2]", "str(@.shape)", "@.item(7)"),
    *("int(np.median(@))", "int(np.argmax(@))", "bool((@ > 5).any())", "str(@[0].T.shape)"),
    *("float(np.std(@[0]))", "int(np.count_nonzero(@ % 2))", "@.astype('float32').dtype.name"),
    *("bool(@[0, 0, 0] == @.ravel()[0])", "len([frame for frame in @])", "@[0, 0, 0] + 1"),
    *("int(np.ones(@.shape).sum())", "int(5 in @[0])", "f'{@[0, 0, 1]:06d}'", "int(@.T.argmin())"),
    *("'yes' if (@ >= 0).all() else 'no'", "int((@ + 1.5)[0, 0, 1] * 2)", "str(@[1, 2])"),
    *("int(np.dot(@[0, 0].astype('int64'), @[0, 1]))", "int(np.array([@[0, 0]]).sum())"),
    *("np.histogram(@, 4)[0].tolist()[1]", "float(np.percentile(@, 30))", "@.real.size"),
    *("int(np.nonzero(@ > 9)[0].size)", "int(np.where(@ > 9)[1][2])", "int(np.argwhere(@).size)"),
    *("bool(np.array_equal(@, @[...]))", "bool(np.allclose(@, @ + 0))", "@.repeat(2).size"),
    *("int(np.random.default_rng(1).permutation(@.ravel())[0])", "int(@[0].diagonal().sum())"),
    *("float(np.linalg.norm(np.ones(4)))", "float(np.interp(2.5, np.arange(4), np.ones(4)))"),
    *(
        "np.ones(3).tolist()[1]",
        "len(np.zeros(5))",
        "str(np.zeros(2, 'int8'))",
        "@.sum(0).shape[1]",
    ),
    *("int(np.bincount(@.ravel()).size)", "sorted(@[0, 0])[1] + 0", "min(@[1, :, 0].tolist())"),
    *("int(np.divmod(@, 7)[1].max())", "int(np.max(@))", "int(np.min(@, axis=0)[1, 1])"),
    *("int(np.any(@ > 9, axis=0).sum())", "bool(np.all(@ >= 0))", "int(@.take([3, 4])[1])"),
)
"""Numbers, texts and logicals that an array is asked for."""


def test_headers_may_look_at_pixels() -> None:
    file = Input(Image(ramp(">i2", 2, 5, 7) & 255, {"BZERO": "32768"}))
    texts = [text.replace("@", file.data) for text in NUMBERS]
    cards = [f"NUMBER{n} = {text}" for n, text in enumerate(texts)]
    hdu = make(file, "\n".join(["<<header h>>", *cards])).hdus()[0]
    header = fits.Header.fromstring(hdu.header.decode("ascii"))
    for n, text in enumerate(texts):
        expected, _ = evaluate(text, input=file.hdus())
        assert header[f"NUMBER{n}"] == expected, text


COLUMNS = (
    "{'ONE': @[:, 1, 2], 'ALL': @[:, ::-1], 'HALF': @[:, 0, :5] / 2}",
    "{'ONES': np.ones(4000), 'ZEROS': np.zeros((4000, 70), 'int16'), 'SUM': @[:, 0] + @[:, 1]}",
    "np.zeros(4000, dtype=[('A', 'i4'), ('B', 'f8')])",
)


@pytest.mark.parametrize("text", COLUMNS)
def test_columns_may_be_parts_of_an_image(text: str) -> None:
    file = Input(Image(ramp(">i2", 4000, 3, 70)))
    text = text.replace("@", file.data)
    hdu = make(file, "<<header primary>>\n" + image(text)).hdus()[1]
    columns, _ = evaluate(text, input=file.hdus())
    names = columns.dtype.names if isinstance(columns, np.ndarray) else list(columns)
    rows = np.empty(
        4000, [(n, columns[n].dtype.newbyteorder(">"), columns[n].shape[1:]) for n in names]
    )
    for name in names:
        rows[name] = columns[name]
    assert hdu.data == rows.tobytes()


def test_rows_of_several_lengths_may_be_parts_of_an_image() -> None:
    file = Input(Image(ramp(">i2", 3, 9)))
    text = "{'ROWS': [@[0], @[1, ::-2], @[2, :0]]}".replace("@", file.data)
    hdu = make(file, "<<header primary>>\n" + image(text)).hdus()[1]
    pixels = file.image.pixels()
    heap = np.concatenate((pixels[0], pixels[1, ::-2])).astype(">i2").tobytes()
    assert hdu.data == np.array([[9, 0], [5, 18], [0, 28]], ">i4").tobytes() + heap


@pytest.mark.parametrize("text", ["@", "@[::-1].T", "(@ & 255).astype('uint8')"])
def test_compressed_output_has_the_same_pixels(text: str, tmp_path: Path) -> None:
    file = Input(Image(ramp(">i2", 90, 70) & 1023))
    text = text.replace("@", file.data)
    made = make(file, "<<header primary>>\n" + image(text, "ZCMPTYPE = 'RICE_1'"))
    (tmp_path / "made.fits").write_bytes(made.content)
    expected, _ = evaluate(text, input=file.hdus())
    found = fits.getdata(tmp_path / "made.fits", 1)
    np.testing.assert_array_equal(found, expected)


# Demands


@dataclass(frozen=True)
class Demand:
    """Cards that ask for a stored type, and the type, offset and scale that they mean."""

    cards: dict[str, int | float]
    stored: str
    zero: float = 0
    scale: float = 1

    def stores(self, value: float) -> float | None:
        """Return what is stored for a number so that it is read back the same, or None."""
        if (self.zero, self.scale) == (0, 1) or self.zero in (-128, 2**15, 2**31, 2**63):
            return stored_number(value, self.stored)
        if not math.isfinite(value):
            return stored_number(value, self.stored)
        number = (float(value) - self.zero) / self.scale
        if float(value) != value or not math.isfinite(number):
            return None
        number = number if self.stored[0] == "f" else float(round(number))
        same = number * self.scale + self.zero == value
        return stored_number(number, self.stored) if same else None


def stored_number(value: float, stored: str) -> float | None:
    """Return a number as a type holds it, None where it does not."""
    dtype = np.dtype(stored)
    if not math.isfinite(value):
        return value if dtype.kind == "f" else None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            near = float(np.array(float(value)).astype(dtype))
        return near if near == value else None
    limits = np.iinfo(dtype)
    return int(value) if value == int(value) and limits.min <= value <= limits.max else None


DEMANDS = (
    Demand({"BITPIX": 8}, "uint8"),
    Demand({"BITPIX": 8, "BZERO": -128}, "int8"),
    Demand({"BITPIX": 16}, "int16"),
    Demand({"BITPIX": 16, "BZERO": 32768}, "uint16"),
    Demand({"BZERO": 32768, "BSCALE": 1}, "uint16"),
    Demand({"BITPIX": 32}, "int32"),
    Demand({"BZERO": 2**31}, "uint32"),
    Demand({"BITPIX": 64}, "int64"),
    Demand({"BITPIX": 64, "BZERO": 2**63}, "uint64"),
    Demand({"BITPIX": -32}, "float32"),
    Demand({"BITPIX": -64}, "float64"),
    Demand({"BITPIX": 16, "BSCALE": 0.5, "BZERO": 10}, "int16", 10, 0.5),
    Demand({"BITPIX": 32, "BSCALE": 0.01}, "int32", 0, 0.01),
    Demand({"BITPIX": 8, "BSCALE": 2.0}, "uint8", 0, 2),
    Demand({"BITPIX": -32, "BSCALE": 0.25, "BZERO": 1.0}, "float32", 1, 0.25),
)


def demanded(array: Array, demand: Demand) -> tuple[bytes, str]:
    """Return the bytes of an image as it is demanded, or what is said of its first misfit."""
    stored = []
    for index in np.ndindex(array.shape):
        value = array[index].item()
        stored.append(demand.stores(value))
        if stored[-1] is None:
            return b"", f"pixel {list(index)} is {value}, which"
    _, data = encoded(np.array(stored, demand.stored).reshape(array.shape))
    return data, ""


def demands_lines(text: str, demand: Demand) -> str:
    return image(text, *(f"{keyword} = {value}" for keyword, value in demand.cards.items()))


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: str(demand.cards))
@drawn(9)
@given(case=moved(scaled=False, large=False))
def test_what_is_demanded_is_stored_or_refused(demand: Demand, case: Case) -> None:
    file, expression = case
    array, _ = evaluate(expression.text, input=file.hdus())
    made = make(file, demands_lines(expression.text, demand))
    if not is_image(array):
        assert made.error
        return
    data, message = demanded(array, demand)
    if message:
        assert made.error, message
        assert message in str(made.error)
        assert names_line(made.error, 4 + len(demand.cards))
        return
    hdu = made.hdus()[0]
    bitpix, _ = PIXEL_TYPES[demand.stored]
    assert hdu.cards["BITPIX"] == str(bitpix)
    assert {k: float(hdu.cards[k]) for k in demand.cards} == demand.cards
    assert alike(hdu.data, bitpix, frozenset({"nan"})) == alike(data, bitpix, frozenset({"nan"}))


UINT16 = Demand({"BITPIX": 16, "BZERO": 32768}, "uint16")
LATE = (
    *("@", "@.T", "@[..., ::-1]", "@.swapaxes(1, 2)[:, ::-1]", "@[::-1, 1:]", "@ + 0"),
    *("@.astype('float64')", "@.reshape((4500, 1000))", "@[:, ::7, ::3]"),
)


@pytest.mark.parametrize("text", LATE)
@pytest.mark.parametrize("checksum", [False, True], ids=["", "checksum"])
def test_the_first_misfit_is_named_in_any_block(text: str, checksum: bool) -> None:
    stored = ramp(">i4", 5, 1000, 900) & 65535
    stored[2:4, 700:, 897] = 65536
    stored[4, 994:, 897] = -1
    file = Input(Image(stored))
    text = text.replace("@", file.data)
    made = make(file, "<<header empty>>\n" + demands_lines(text, UINT16), checksum=checksum)
    array, _ = evaluate(text, input=file.hdus())
    first = np.argmax((array < 0) | (array > 65535))
    index = tuple(int(one) for one in np.unravel_index(first, array.shape))
    assert f"pixel {list(index)} is {array[index]}, which uint16" in str(made.error)
    assert made.error
    assert names_line(made.error, 7)
    assert len(made.error.problems) == 1


def test_all_that_fails_is_told_at_once() -> None:
    file = Input(Image(ramp(">i4", 3, 700, 900)))
    lines = ["<<header first>>", "FAILS = (1 / input('ZERO'))", "<<data>>", f"{file.data}.T"]
    lines += ["<<header second>>", "BITPIX = 16", "<<data>>", file.data]
    lines += ["<<header third>>", "BITPIX = 8", "<<data>>", f"{file.data}[:, ::-1]"]
    lines += ["<<header fourth>>", "<<data>>", f"{file.data} + np.arange(7)"]
    made = make(file, "\n".join(lines))
    assert made.error
    places = [one.position.line for one in made.error.problems if one.position and one.is_error]
    assert places == [3, 9, 13, 16]


@pytest.mark.parametrize("text", ["@", "@.T", "@[:, ::-1]", "@.astype('f8')", "np.minimum(@, 9)"])
def test_what_survives_is_stored_in_any_block(text: str) -> None:
    file = Input(Image(ramp(">i4", 3, 700, 900) & 65535))
    text = text.replace("@", file.data)
    hdu = make(file, demands_lines(text, UINT16)).hdus()[0]
    expected, _ = evaluate(text, input=file.hdus())
    assert_written(hdu, expected.astype("u2"))


def test_an_output_that_was_there_stays_where_the_values_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "made.fits").write_bytes(b"precious")
    file = Input(Image(ramp(">f4", 500, 900)))
    (tmp_path / "raw.fits").write_bytes(file.content())
    (tmp_path / "t.gen.txt").write_text(f"<<file t>>\n{demands_lines(file.data, UINT16)}\n")
    names = sorted(tmp_path.iterdir())
    with pytest.raises(FitsgenError, match=r"pixel \[0, \d+\] is .* which uint16"):
        fitsgen.convert(
            tmp_path / "raw.fits",
            template=tmp_path / "t.gen.txt",
            output=tmp_path / "made.fits",
            overwrite=True,
        )
    assert (tmp_path / "made.fits").read_bytes() == b"precious"
    assert sorted(tmp_path.iterdir()) == names


# Warnings


WARNED = {
    "@ // 0": "divide by zero",
    "1.0 / (@ - @)": "divide by zero",
    "(@ - @) / (@[:, ::-1] - @[:, ::-1])": "invalid value",
    "np.sqrt(@ - 1e9)": "invalid value",
    "(@ * 1e308 * 1e308).astype('float32')": "overflow",
}


@pytest.mark.parametrize("text", WARNED)
@pytest.mark.parametrize("checksum", [False, True], ids=["", "checksum"])
def test_a_warning_is_given_once_whatever_the_number_of_blocks(text: str, checksum: bool) -> None:
    file = unsigned(3, 700, 901)
    lines = "<<header empty>>\n" + image(text.replace("@", file.data))
    made = make(file, lines, checksum=checksum)
    found = [one for one in made.warnings if WARNED[text] in one]
    assert len(found) == 1
    assert "streamed.gen.txt:5:" in found[0]


@pytest.fixture
def restless() -> Iterator[None]:
    """Have threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("tiny", "restless")
def test_blocks_may_warn_at_the_same_time() -> None:
    file = unsigned(30, 50)
    for _ in range(25):
        made = make(file, image(f"{file.data} % 5 / 0"))
        assert len(made.hdus()) == 1
        assert len(made.warnings) == 2


# Checksums


def word_sum(data: bytes) -> int:
    """Return the ones' complement sum of 32-bit words (FITS Standard 4.0, appendix J)."""
    words = np.frombuffer(data + bytes(-len(data) % 4), ">u4")
    total = int(words.sum(dtype="u8"))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


@drawn(12)
@given(moved())
def test_checksums_are_right_and_change_nothing_else(case: Case) -> None:
    file, expression = case
    lines = image(expression.text)
    plain, summed = make(file, lines), make(file, lines, checksum=True)
    if plain.error:
        assert str(plain.error) == str(summed.error)
        return
    hdu, other = summed.hdus()[0], plain.hdus()[0]
    assert hdu.data == other.data
    sums = {key: hdu.cards[key] for key in ("CHECKSUM", "DATASUM")}
    assert hdu.cards == other.cards | sums
    assert sums["DATASUM"].strip("' ") == str(word_sum(hdu.data))
    assert word_sum(hdu.header + hdu.data) in (0, 0xFFFFFFFF)


# The science frame


TURNED: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "flip columns": lambda x: x[..., ::-1],
    "flip rows": lambda x: x[..., ::-1, :],
    "transpose rows": lambda x: x.swapaxes(-1, -2),
    "transpose, then": lambda x: x.swapaxes(-1, -2)[..., ::-1, ::-1],
    "rotate by": lambda x: np.rot90(x, 1, axes=(-1, -2)),
}
FACTS = json.loads((HERE / "data" / "jwst_detectors.json").read_text())["detectors"]
ORIGIN = {
    **dict.fromkeys(("COLCORNR", "ROWCORNR", "ACCOLCOR", "ACROWCOR"), "1"),
    **dict.fromkeys(("A1_COL_C", "A1_ROW_C", "A2_COL_C", "A2_ROW_C"), "0"),
}


def exposure(start: str) -> tuple[Input, Input]:
    """Return an exposure of the first detector of a turn as it is, and as it is turned."""
    fact = next(fact for fact in FACTS if fact["detector_to_dms"].startswith(start))
    corners = ORIGIN
    if fact["instrument"] == "MIRI":
        corners = {"COLSTART": "1", "COLSTOP": "175", "ROWSTART": "1", "ROWSTOP": "512"}
    raw = ramp(">i2", 2, 2, 512, 700)
    cards = {"BZERO": "32768", "BSCALE": "1", "SCA_ID": str(fact["SCA_ID"]), **corners}
    return Input(Image(raw, cards)), Input(Image(TURNED[start](raw), cards))


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize(
    "text", ["@", "(@ + 1)[:, 1:]", "@[:, :, ::-1, 3:]", "@.astype('float32')"]
)
def test_the_science_frame_is_the_whole_array_turned(turn: str, text: str) -> None:
    raw, turned = exposure(turn)
    text = text.replace("@", raw.data)
    expected, _ = evaluate(text, input=turned.hdus())
    assert_written(make(raw, image(text), frame="dms").hdus()[0], expected)
