"""The watch over a reader while it runs: what reading must never cause is a crash.

In: the files that may be read. Out: nothing, or `Forbidden`. Python tells of what it does by
audit events (PEP 578): a list says which of them reading may cause, and all others are refused.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import fitsgen

# What computes, or looks at the interpreter; the rest of what Python tells of is refused.
HARMLESS = frozenset(
    """
    array.__new__ builtins.id code.__new__ compile cpython._PySys_ClearAuditHooks gc.get_objects
    marshal.dumps marshal.load marshal.loads mmap.__new__ object.__delattr__ object.__getattr__
    object.__setattr__ os.fwalk os.listdir os.scandir os.walk sys._current_frames
    sys._getframe sys.unraisablehook time.sleep
    """.split()
)
# Modules of which a part may be imported late: all else is there before the watch begins.
IMPORTED = frozenset({"encodings", "fitsgen", "numpy"})
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Forbidden(BaseException):
    """Something that reading must never do. No `except Exception` on the way holds it up."""


class Watch:
    """Looks at every audit event while it is on."""

    def __init__(self) -> None:
        self._on = False
        self._hooked = False
        self._readable: frozenset[str] = frozenset()
        self._seen = ""
        self._thread = 0
        libraries = [path for path in sys.path if path.endswith("site-packages")]
        places = (sys.prefix, sys.base_prefix, *fitsgen.__path__, *libraries)
        self._code = tuple(place.rstrip(os.sep) + os.sep for place in places)

    @contextmanager
    def over(self, *paths: str | os.PathLike[str]) -> Iterator[None]:
        """Watch what is done; only these paths may be read, besides Python's own files.

        Raises
        ------
        Forbidden
            Something was tried that is not allowed, even where a handler swallowed it.

        """
        if not self._hooked:
            sys.addaudithook(self._hook)  # for good: there is no way to take one away
            self._hooked = True
        self._readable = frozenset(os.fspath(path) for path in paths)
        self._seen, self._on, self._thread = "", True, get_ident()
        try:
            yield
        finally:
            self._on = False
        if self._seen:
            raise Forbidden(self._seen)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Other threads have their own business; none is begun while the watch is on.
        if not self._on or event in HARMLESS or get_ident() != self._thread:
            return
        if self._allows(event, arguments):
            return
        self._on = False  # what tells of it may do more of the kind
        self._seen = f"{event} {arguments!r}"[:500]
        raise Forbidden(self._seen)

    def _allows(self, event: str, arguments: tuple[Any, ...]) -> bool:
        match event, arguments:
            case "import", (str(name), *_):
                return name.partition(".")[0] in IMPORTED
            case "open", (path, _, int(flags)):
                return self._may_open(path, flags)
            case "exec", (code,):
                # A module's own code: never a text that was made a program just now.
                own = (*self._code, "<frozen ", "<emitted ")
                return bool(code.co_filename.startswith(own))
        return False

    def _may_open(self, path: object, flags: int) -> bool:
        if isinstance(path, int):
            return True  # what is open already
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else repr(path)
        if flags & WRITES:
            # A directory, for a file in it without a name: what gzip unpacks to.
            return name == tempfile.gettempdir()
        # For the text of a syntax error Python looks for the line in a file of that name.
        return name in self._readable or name == "<unknown>" or name.startswith(self._code)


WATCH = Watch()
"""The one watch of the process: audit hooks are the interpreter's, and last as long as it does."""
