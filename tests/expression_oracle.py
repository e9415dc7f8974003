"""What every method, attribute and function on the lists of expressions really does.

Run as a program, for hooks of `sys.addaudithook` stay until the end. It calls each name of
`fitsgen.check.policy` on values of each type that an expression can hold, with many arguments,
and prints as JSON what it found: audit events (files, imports, processes), results of a type
that is a way out, arguments that were changed, and arguments that were called.
"""

from __future__ import annotations

import datetime
import inspect
import itertools
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy
from astropy.io import fits

from fitsgen import compiler
from fitsgen.check import policy
from fitsgen.inputs import open_inputs
from fitsgen.inputs.fits import InputHDU
from fitsgen.inputs.headers import Header
from fitsgen.inputs.tables import TableData
from fitsgen.lazy.array import LazyArray
from fitsgen.runtime import np
from fitsgen.runtime.evaluate import Values
from fitsgen.runtime.output import OutputHDU, OutputHeader
from fitsgen.runtime.random import Generator

HARMLESS = (
    *(str, int, float, complex, bool, bytes, type(None), EllipsisType, range),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
    *(type({}.keys()), type({}.values()), type({}.items())),
    *(InputHDU, Header, TableData, OutputHDU, OutputHeader, Generator),
)
"""What a result may be, besides arrays, and lists, tuples and dicts of these."""

KINDS = "biufcSUVOMm"
# Looking at itself; NumPy does the last one to write an array that holds itself as text.
QUIET = frozenset({"object.__getattr__", "sys._getframe", "builtins.id"})
MODULES = ("numpy", "fitsgen", "math", "fractions", "numbers", "decimal", "_strptime")


class Watch:
    """The audit events of what is called, and those of modules of NumPy that it loads first."""

    def __init__(self) -> None:
        self.what = ""
        self.events: set[str] = set()
        self.importing = 0
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.what or event in QUIET:
            return
        if event == "import" and str(arguments[0]).split(".")[0] in MODULES:
            return
        if event == "open" and str(arguments[0]).startswith((sys.prefix, sys.base_prefix)):
            return
        if event in ("marshal.loads", "exec", "os.listdir", "import") and self.loads():
            return
        self.events.add(f"{self.what}: {event} {arguments!r:.80}")

    @staticmethod
    def loads() -> bool:
        """Whether Python is loading a module of NumPy."""
        frame = sys._getframe(2)
        while frame:
            if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
                return True
            frame = frame.f_back  # type: ignore[assignment]
        return False


class Spy:
    """A value that takes note when it is called."""

    called = False

    def __call__(self, *_: object, **__: object) -> int:
        Spy.called = True
        return 0


def is_harmless(value: Any) -> bool:
    match value:
        case numpy.ndarray():
            objects = value.dtype.kind == "O"
            return value.dtype.kind in KINDS and (not objects or all(map(is_harmless, value.flat)))
        case numpy.generic():
            return value.dtype.kind in KINDS
        case list() | tuple():
            return all(map(is_harmless, value))
        case dict():
            return all(map(is_harmless, itertools.chain(value, value.values())))
        case LazyArray() | numpy.dtype() | Spy():
            return True
    return type(value) in HARMLESS


def picture(value: Any) -> Any:
    """What a value is like, to see whether it is still so."""
    match value:
        case numpy.ndarray():
            flags = (value.flags.writeable, value.strides, value.shape)
            return flags, value.dtype.str, value.tobytes() if value.dtype != object else repr(value)
        case LazyArray():
            return picture(numpy.asarray(value))
        case InputHDU():
            return picture(value.header)
        case Header():
            return value.raw
        case list() | tuple():
            return type(value), [picture(one) for one in value]
        case dict():
            return {key: picture(one) for key, one in value.items()}
    return repr(value)


def arrays() -> Iterator[Any]:
    for kind in ("?", "i1", "i2", "i8", "u1", "u8", "f2", "f4", "f8", "c8", "c16", "U3", "S3"):
        yield numpy.array([1, 0, 2]).astype(kind)
        yield numpy.array([1]).astype(kind)[0]
        yield numpy.ones((2, 2), "f8").astype(kind)
    yield numpy.array(3.5)
    yield numpy.array([(1, 2.5)], [("A", "i4"), ("B", "f8")])
    yield numpy.array([(1, 2.5)], [("A", "i4"), ("B", "f8")])[0]
    yield numpy.array([numpy.ones(2), "a", None, [1]], object)
    yield numpy.array([1.0, numpy.nan, numpy.inf])


def plain_values() -> Iterator[Any]:
    time = datetime.datetime(2020, 2, 3, 4, 5, 6)
    yield from ("", "ab cd", "12", "x\ty", 0, 3, -5, 10**30, 1.5, float("nan"), 2 + 3j, True, None)
    yield from ([], [1, "a"], (), (1, 2), {}, {"a": 1, 2: "b"}, range(4), ...)
    yield from (time, time.date(), time.time(), time - datetime.datetime(2020, 1, 1))
    yield from (numpy.dtype("f4"), numpy.dtype([("A", "i4")]), np.random.default_rng(1))


def views(directory: Path) -> Iterator[Any]:
    """Every view that a source hands out."""
    events = fits.BinTableHDU.from_columns(
        [
            fits.Column("N", "3A", array=["a", "b"]),
            fits.Column("F", "D", array=[1.0, 2.0]),
            fits.Column("V", "PE()", array=numpy.array([[1.0], [2.0, 3.0]], object)),
        ]
    )
    image = fits.ImageHDU(numpy.arange(6, dtype="i2").reshape(2, 3))
    scaled = fits.ImageHDU(numpy.arange(6, dtype="u2").reshape(2, 3))
    fits.HDUList([fits.PrimaryHDU(), image, scaled, events]).writeto(directory / "in.fits")
    template = directory / "t.gen.txt"
    template.write_text(
        "<<file t>>\n<<header primary>>\nA = 1 / one\n<<data>>\nnp.ones((2, 3))\n"
        "<<header table>>\n<<data>>\n{'A': np.ones(2)}\n"
    )
    file_type = compiler.load(str(template)).file_type
    inputs = open_inputs([directory / "in.fits"])
    source = inputs.sources["input"]
    values = Values(file_type, inputs.sources, {})
    output = values._sources["output"]
    for one in (source, output):
        for number in range(len(one)):
            hdu = one.hdu(number)
            yield from (hdu, hdu.header, hdu.data)
    table = source.hdu(3).data
    yield from (table["N"], table["F"], table["V"], table[:1])


def arguments() -> Iterator[tuple[Any, ...]]:
    """Arguments of many kinds; the last ones could be written into."""
    yield from ((), (0,), (1,), (-1,), (2, 1), ("a",), ("A",), ("a", "b"), (" ", 1), (None,))
    yield from (([0],), ((2, 1),), ("f4",), ("F",), (0, 1), (1, 2, 3), ([1, 2], [2, 3]))
    yield from ((0, 1, 1), (("a", "b"),), (True,), (2.5,), ({"a": 1},), (0.5, 1.5, 2))
    array = numpy.array
    yield from ((array([7.0, 8, 9]),), (0, array(7.0)), (0, 1, array([7.0, 8, 9])))
    yield from ((0, None, array(7.0)), (numpy.ones(3), numpy.ones(3), array([7.0, 8, 9])))
    yield from ((numpy.ones(3), 0, 1, array([7.0, 8, 9])), (array([3.0, 1, 2]), None, None, True))


NAMED: tuple[tuple[str, Any], ...] = tuple(
    (name, value)
    for name in sorted(policy.ARGUMENTS)
    for value in (True, False, 0, 2, "f8", [1, 0], numpy.ones(3))
)


class Oracle:
    """Calls things, and gathers what they should not have done."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.calls = self.returned = 0
        self.escapes: set[str] = set()
        self.changed: set[str] = set()
        self.called: set[str] = set()
        self.addresses: set[str] = set()
        self.pictures: dict[int, Any] = {}

    def ask(
        self, what: str, function: Callable[[], Any], receiver: Any, arguments: Sequence[Any]
    ) -> None:
        """Call something with nothing but what is already bound, and look at what came of it."""
        if id(receiver) not in self.pictures:
            self.pictures = {id(receiver): picture(receiver)}
        before, given = self.pictures[id(receiver)], picture(arguments)
        result = self.call(what, function)
        if not is_harmless(result):
            self.escapes.add(f"{what}: {type(result).__name__}")
        if type(result) in HARMLESS and " at 0x" in str(result):
            self.addresses.add(f"{what}: {result}")
        self.pictures[id(receiver)] = picture(receiver)
        if (self.pictures[id(receiver)], picture(arguments)) != (before, given):
            self.changed.add(what)
        if Spy.called:
            self.called.add(what)
            Spy.called = False

    def call(self, what: str, function: Callable[[], Any]) -> Any:
        self.calls += 1
        self.watch.what = what
        try:
            result = function()
        except Exception:
            return None
        finally:
            self.watch.what = ""
        self.returned += 1
        return result

    def methods(self, value: Any) -> None:
        self.ask(f"a {type(value).__name__}", lambda: value, None, ())
        is_type = isinstance(value, numpy.dtype)
        for name in sorted(policy.DTYPE_ATTRIBUTES if is_type else policy.ATTRIBUTES):
            if hasattr(value, name):
                what = f"{type(value).__name__}.{name}"
                self.ask(what, partial(getattr, value, name), value, ())
        for name in sorted(policy.METHODS):
            method = getattr(value, name, None)
            if not callable(method):
                continue
            most = policy.MOST_METHOD_ARGUMENTS.get(name, 3)
            what = f"{type(value).__name__}.{name}()"
            for given in (*arguments(), (Spy(),), (0, Spy()), (0, 1, Spy())):
                if len(given) <= most:
                    self.ask(what, partial(method, *given), value, given)

    def functions(self, samples: Sequence[Any]) -> None:
        """Call NumPy's functions: with samples, with each named argument that they have."""
        for name in sorted((policy.NUMPY_FUNCTIONS | {"linalg.norm"}) | policy.NUMPY_TYPES):
            function: Any = np
            for part in name.split("."):
                function = getattr(function, part)
            # The third argument of np.pad has to be one of a few texts.
            most = 2 if name == "pad" else policy.MOST_NUMPY_ARGUMENTS.get(name, 3)
            what = f"np.{name}()"
            given = [*((one,) for one in samples), *itertools.product(samples[:6], repeat=2)]
            given += [*arguments(), (Spy(),), (samples[0], Spy()), (samples[0], 1, Spy())]
            for one in (one for one in given if len(one) <= most):
                self.ask(what, partial(function, *one), None, one)
            self.named(name, function, samples, most)

    def named(self, name: str, function: Any, samples: Sequence[Any], most: int) -> None:
        try:
            known = inspect.signature(function).parameters
        except (ValueError, TypeError):
            return
        given = ((samples[0],), (samples[0], 1), (samples[1], samples[1]))
        for keyword, value in [*NAMED, *((key, Spy()) for key in sorted(policy.ARGUMENTS))]:
            refused = (name, keyword) in policy.REFUSED_ARGUMENTS
            if refused or keyword not in known or (name == "pad" and keyword == "mode"):
                continue
            for one in (one for one in given if len(one) <= most):
                what = f"np.{name}({keyword}=)"
                self.ask(what, partial(function, *one, **{keyword: value}), value, one)


def main() -> None:
    warnings.simplefilter("ignore")
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as directory:
        held = list(views(Path(directory)))
        for value in (*plain_values(), *arrays(), *held):
            oracle.methods(value)
        samples = [numpy.array([3.0, 1.0, numpy.nan]), numpy.ones((2, 2)), numpy.array([True])]
        samples += [numpy.array([1, 2], "u2"), numpy.array(["a"]), 2, 1.5, held[5], held[8]]
        oracle.functions(samples)
    print(
        json.dumps(
            {
                "calls": oracle.calls,
                "returned": oracle.returned,
                "events": sorted(oracle.watch.events),
                "escapes": sorted(oracle.escapes),
                "changed": sorted(oracle.changed),
                "called": sorted(oracle.called),
                "addresses": sorted(oracle.addresses),
            }
        )
    )


if __name__ == "__main__":
    main()
