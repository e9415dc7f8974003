"""What the user gives, told apart by content, to the sources that expressions read.

In: paths, `NAME=PATH` texts, opened astropy HDU lists, or data files made in
memory. Out: `Inputs`. To add a kind of input, write a file that reads it and
name it in `KINDS`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path
from typing import Any, Protocol, Self

from fitsgen.diagnostics import InputError, Problem, input_error
from fitsgen.inputs.sources import DataFile, FitsSource, Source
from fitsgen.namespace import KNOWN

INPUT = "input"
HEAD = 64 * 1024


class _Doubted(Protocol):
    """Something that was read, with warnings about it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings about what was read until now."""
        ...

    def verify(self) -> None:
        """Compare with their checksums what was used until now."""
        ...


@dataclass
class Inputs:
    """The opened inputs of one conversion; a context manager that closes them."""

    sources: dict[str, Source] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    stem: str = ""
    _watched: list[_Doubted] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, name: str, source: Source, path: str) -> None:
        """Take in a source; raises `InputError` where the name is taken."""
        if name not in (INPUT, "apt") and (name in KNOWN or iskeyword(name)):
            raise input_error(
                path, f"{name} cannot be the name of a source: it has a meaning already"
            )
        if name in self.sources:
            what = "FITS file without a name" if name == INPUT else f"source called {name}"
            hint = "give a further FITS file a name: NAME=FILE" if name == INPUT else ""
            raise input_error(path, f"this is a second {what}", hint)
        self.sources[name] = source

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Warnings about what was read until now, in the order of the inputs.

        They grow while values are read: ask when everything was. Those about checksums are among
        them after `verify`.
        """
        return tuple(problem for one in self._watched for problem in one.problems)

    def verify(self) -> None:
        """Compare the data that were used until now with their checksums, each once.

        Raises
        ------
        InputError
            They cannot be read.

        """
        for one in self._watched:
            one.verify()

    def watch(self, reader: _Doubted) -> None:
        """Have the warnings of a reader among the `problems`."""
        self._watched.append(reader)

    def keep(self, resource: Any) -> None:
        """Close a resource when the conversion is over."""
        self._stack.callback(resource.close)


Kind = tuple[Callable[[bytes], bool], Callable[[Inputs, str, str], None]]
"""How a kind of input is told by its first bytes, and how it is taken in."""


def _is_fits(head: bytes) -> bool:
    return head.startswith((b"SIMPLE  =", b"\x1f\x8b"))


def _add_fits(inputs: Inputs, name: str, path: str) -> None:
    from fitsgen.inputs.fits import FitsFile

    file = FitsFile.open(path)
    inputs.keep(file)
    inputs.watch(file)
    inputs.add(name or INPUT, FitsSource(file), path)
    if not name:
        inputs.stem = Path(path).name.removesuffix(".gz").removesuffix(".fits")


def _is_data_file(head: bytes) -> bool:
    lines = (line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n"))
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return first.startswith(b"<<")


def _add_data_file(inputs: Inputs, name: str, path: str) -> None:
    from fitsgen.inputs.datafile import read_data_file

    data_file = read_data_file(Path(path))
    inputs.add(name or data_file.name, data_file, path)


def _is_apt(head: bytes) -> bool:
    """Whether a file is a zip archive, or begins as XML does: `<?`, `<!` or `<name`."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return True
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:2]
    return start[:1] == b"<" and (start[1:].isalpha() or start[1:] in (b"?", b"!", b"_"))


def _add_apt(inputs: Inputs, name: str, path: str) -> None:
    from fitsgen.inputs.apt import read_apt

    inputs.add(name or "apt", read_apt(path), path)


KINDS: tuple[Kind, ...] = (
    (_is_fits, _add_fits),
    (_is_data_file, _add_data_file),
    (_is_apt, _add_apt),
)


def open_inputs(given: Sequence[object]) -> Inputs:
    """Open inputs.

    Parameters
    ----------
    given
        Paths, texts `NAME=PATH`, mappings of names to paths, astropy HDU lists, or `DataFile`s.

    Raises
    ------
    InputError
        Something cannot be read, is of no known kind, or has the name of another.

    """
    inputs = Inputs()
    problems: list[Problem] = []
    for name, what in _named(given, inputs):
        try:
            if isinstance(what, DataFile):
                inputs.add(name, what, name)
            else:
                _take_in(inputs, name, what)
        except InputError as error:
            problems += error.problems
    if problems:
        inputs.__exit__()
        raise InputError(problems)
    return inputs


def _named(given: Sequence[object], inputs: Inputs) -> Iterator[tuple[str, str | DataFile]]:
    for one in given:
        match one:
            case DataFile():
                yield one.name, one
            case str() | os.PathLike():
                yield split_name(os.fspath(one))
            case Mapping():
                yield from ((str(name), os.fspath(path)) for name, path in one.items())
            case _ if hasattr(one, "writeto"):
                yield "", _written(one, inputs)
            case _:
                raise TypeError(f"an input is a path or an HDUList, not {type(one).__name__}")


def split_name(text: str, directory: str | Path = "") -> tuple[str, str]:
    """Take `NAME=PATH` apart, unless there is a file of that name, in a directory or here."""
    name, equals, path = text.partition("=")
    if equals and name.isidentifier() and not os.path.lexists(os.path.join(directory, text)):
        return "" if name == INPUT else name, path
    return "", text


def _written(hdulist: Any, inputs: Inputs) -> str:
    """Write an opened HDU list to a file that lives as long as the conversion."""
    import tempfile

    directory = tempfile.TemporaryDirectory(prefix="fitsgen-")
    inputs._stack.callback(directory.cleanup)
    path = Path(directory.name) / "input.fits"
    hdulist.writeto(path)
    return str(path)


def _take_in(inputs: Inputs, name: str, path: str) -> None:
    head = _head(path)
    inputs.paths.append(Path(path))
    for is_kind, add in KINDS:
        if is_kind(head):
            add(inputs, name, path)
            return
    # Whatever else it is, it was meant as FITS: its reader says what is wrong with it.
    _add_fits(inputs, name, path)


def _head(path: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise input_error(path, "not a regular file")
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise input_error(path, f"cannot be read: {error.strerror or error}") from None
