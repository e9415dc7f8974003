"""Compiled modules kept from one run to the next, by the digests of what they were made from.

In: a template's path and the directories of includes. Out: an `Entry`, if one
is kept and nothing that it was made from has changed. What is kept is code:
the directory belongs to the user alone, or it is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import pickle
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from fitsgen import __version__
from fitsgen.diagnostics import OutputError, Problem
from fitsgen.runtime.declare import FORMAT
from fitsgen.runtime.files import write_bytes
from fitsgen.syntax.nodes import Root

VARIABLE = "FITSGEN_CACHE"
"""Names the directory; set to nothing it turns the cache off."""
_SUM = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Entry:
    """A compiled module: its text and code, its template files by label, and the warnings."""

    text: str
    code: CodeType
    sources: Mapping[str, Path]
    problems: tuple[Problem, ...]


def read(path: Path, roots: Sequence[Root]) -> Entry | None:
    """Return what is kept for a template, if it would be compiled to the same again."""
    directory = _directory()
    if directory is None:
        return None
    try:
        kept = (directory / _name(path, roots)).read_bytes()
        raw = kept[_SUM:]
        # It was not synced: after a failure of power it may be anything.
        if hashlib.sha256(raw).digest() != kept[:_SUM]:
            return None
        digests, missed, text, code, sources, problems = pickle.loads(raw)
        if any(_digest(Path(name)) != digest for name, digest in digests):
            return None
        if any(os.path.lexists(name) for name in missed):
            return None
        return Entry(text, marshal.loads(code), sources, problems)
    except (OSError, ValueError, EOFError, TypeError, pickle.PickleError, AttributeError):
        return None


def write(
    path: Path, roots: Sequence[Root], entry: Entry, files: Sequence[Path], missed: Sequence[Path]
) -> None:
    """Keep a compiled module; a cache that cannot be written is done without."""
    directory = _directory()
    if directory is None:
        return
    with contextlib.suppress(OSError, OutputError):
        digests = [(str(file), _digest(file)) for file in files]
        raw = pickle.dumps(
            (
                *(digests, [str(one) for one in missed], entry.text, marshal.dumps(entry.code)),
                *(dict(entry.sources), entry.problems),
            )
        )
        content = hashlib.sha256(raw).digest() + raw
        write_bytes(directory / _name(path, roots), content, overwrite=True, disposable=True)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _name(path: Path, roots: Sequence[Root]) -> str:
    """Name an entry by all that the module depends on besides the contents of files."""
    parts = [__version__, str(FORMAT), sys.version, str(path), os.path.realpath(path)]
    parts += [f"{root.label}={os.path.realpath(root.directory)}" for root in roots]
    name = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(name).hexdigest() + ".pickle"


def _directory() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(named or os.path.join(base, "fitsgen"))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = directory.stat()
    except OSError:
        return None
    others_write = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return None if others_write or info.st_uid != os.geteuid() else directory
