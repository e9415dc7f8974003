"""The speed of each way that pixels go, against `cp` of the input and against astropy.

In: a `Bench`. Out: lines of the table. All of them sync what they write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, command, copy, remove, sync
from benchmarks.cubes import FLOATS, INTEGERS, MIB, SIDE, UNSIGNED, Cube, Pixels
from benchmarks.measure import AtLeast, Figure, Line, call, compared, process
from fitsgen import compile_template
from fitsgen.runtime.convert import Options, convert


@dataclass(frozen=True, slots=True)
class Way:
    """What is done to the pixels of a cube: an expression for each HDU, `{shape}` to be filled."""

    name: str
    pixels: Pixels
    expressions: tuple[str, ...]
    aim: AtLeast

    def of(self, directory: Path, mib: int) -> Work:
        """Return it with a cube of that size."""
        cube = Cube(directory, self.pixels, mib)
        shape = (4, cube.frames // 4, SIDE, SIDE)
        return Work(self, cube, tuple(text.format(shape=shape) for text in self.expressions))


@dataclass(frozen=True, slots=True)
class Work:
    """A way, a cube, and the expressions for it."""

    way: Way
    cube: Cube
    expressions: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.cube.mib} MiB, {self.way.name}"

    def template(self) -> Path:
        """Write the template that does it."""
        path = self.cube.path.with_suffix(".gen.txt")
        hdus = [
            f"<<header hdu_{number}>>\n<<data>>\n{expression}\n"
            for number, expression in enumerate(self.expressions)
        ]
        path.write_text("".join(("<<file pixels>>\n", *hdus)), encoding="utf-8")
        return path

    def converter(self, made: Path) -> Callable[[], object]:
        """Return the conversion by the compiled template, as `fitsgen.convert` calls it."""
        file_type = compile_template(self.template())
        return lambda: convert(file_type, (self.cube.path,), {}, Options(made))


RESHAPED = "input[0].data.reshape({shape})"
NARROWED = "input[0].data.astype('uint16')"

RESHAPE = Way("reshape", UNSIGNED, (RESHAPED,), AtLeast(1.2))
TURN = Way(
    "transpose and turn", UNSIGNED, (RESHAPED + ".swapaxes(-1, -2)[..., ::-1, :]",), AtLeast(0.6)
)
NARROW_FLOATS = Way("float32 to uint16", FLOATS, (NARROWED,), AtLeast(1.0))
WAYS = (
    RESHAPE,
    Way("flip rows", UNSIGNED, (RESHAPED + "[..., ::-1, :]",), AtLeast(0.75)),
    Way("flip columns", UNSIGNED, (RESHAPED + "[..., ::-1]",), AtLeast(0.75)),
    TURN,
    Way("int32 to uint16", INTEGERS, (NARROWED,), AtLeast(1.0)),
    NARROW_FLOATS,
)
PLANES = Way(
    "reshape, ERR of ones, DQ of zeros",
    UNSIGNED,
    (
        RESHAPED,
        "np.ones(output[0].data.shape, dtype='float32')",
        "np.zeros(output[0].data.shape, dtype='int16')",
    ),
    AtLeast(3.0),
)


def lines(bench: Bench) -> Iterator[Line]:
    """Give the lines of speeds; cubes are made when the first line needs them."""
    for way in WAYS:
        work = way.of(bench.directory, bench.sizes.cube)
        yield Line(f"{work.name}: cp", partial(_against_cp, bench, work))
    work = PLANES.of(bench.directory, bench.sizes.cube)
    yield Line(f"{work.name}: astropy", partial(_against_astropy, bench, work))
    work = RESHAPE.of(bench.directory, bench.sizes.process)
    yield Line(f"fitsgen convert, {work.name}: cp", partial(_whole_process, bench, work))
    if bench.sizes.process != bench.sizes.cube:
        work.cube.remove()


def _against_cp(bench: Bench, work: Work) -> Figure:
    ours, astropy = _checked(bench, work)
    fresh = partial(remove, [bench.made])
    peer = partial(copy, work.cube.path, bench.made)
    timers = call(ours, fresh), call(peer, fresh)
    figure = compared(*timers, work.way.aim, astropy=call(astropy, fresh))
    fresh()
    return figure


def _against_astropy(bench: Bench, work: Work) -> Figure:
    ours, astropy = _checked(bench, work)
    fresh = partial(remove, [bench.made])
    figure = compared(call(ours, fresh), call(astropy, fresh), work.way.aim)
    fresh()
    return figure


def _whole_process(bench: Bench, work: Work) -> Figure:
    cube, template = work.cube.ready(), work.template()
    fresh = partial(remove, [bench.made])
    convert = [*command(), "convert", str(cube), "-t", str(template), "-o", str(bench.made)]
    peer = call(partial(copy, cube, bench.made), fresh)
    figure = compared(process(convert, fresh), peer, AtLeast(0.8))
    fresh()
    return figure


def _checked(bench: Bench, work: Work) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return our conversion and astropy's, once both have made the same bytes of data."""
    cube = work.cube.ready()
    other = bench.directory / "other.fits"
    remove([bench.made, other])
    ours = work.converter(bench.made)
    ours()
    by_astropy(work.expressions, cube, other)
    if not _is_same_data(bench.made, other):
        raise AssertionError(f"{work.name}: astropy makes other pixels")
    remove([bench.made, other])
    return ours, partial(by_astropy, work.expressions, cube, bench.made)


def by_astropy(expressions: tuple[str, ...], cube: Path, made: Path) -> None:
    """Do what a template of these expressions does, with astropy: whole arrays, then a file."""
    import numpy as np
    from astropy.io import fits

    with fits.open(cube) as opened:
        output = fits.HDUList()
        names: dict[str, Any] = {"np": np, "input": opened, "output": output}
        for expression in expressions:
            kind = fits.ImageHDU if output else fits.PrimaryHDU
            output.append(kind(eval(expression, names)))
        output.writeto(made)
    sync(made)


def _is_same_data(one: Path, other: Path) -> bool:
    """Compare the data of each HDU as bytes, a MiB at a time."""
    spans, others = _spans(one), _spans(other)
    if [size for _, size in spans] != [size for _, size in others]:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        for (start, size), (place, _) in zip(spans, others, strict=True):
            first.seek(start), second.seek(place)
            for done in range(0, size, MIB):
                count = min(MIB, size - done)
                if first.read(count) != second.read(count):
                    return False
    return True


def _spans(path: Path) -> list[tuple[int, int]]:
    """Return where the data of each HDU begins, and its size with padding."""
    from astropy.io import fits

    with fits.open(path) as opened:
        infos = [hdu.fileinfo() for hdu in opened]
    return [(info["datLoc"], info["datSpan"]) for info in infos]
