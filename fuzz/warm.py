"""Everything that a target imports late, imported before it is watched and timed."""

from __future__ import annotations

import encodings
import importlib
import pkgutil
import tempfile
from contextlib import suppress

from fitsgen.backends.python import emit
from fitsgen.diagnostics import Position, Source
from fitsgen.model import FileType
from fuzz.material import sources

LATE = (
    "astropy.io.fits astropy.time astropy.units defusedxml.ElementTree gzip jinja2 lark "
    "numpy.linalg numpy.random zipfile"
).split()
ROOMS = "backends check inputs lazy provenance runtime syntax verification".split()


def warm_up() -> None:
    """Import all of it, and emit a module, for which the text of its layout is compiled."""
    for name in LATE:
        importlib.import_module(name)
    for room in ROOMS:
        package = importlib.import_module(f"fitsgen.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"fitsgen.{room}."):
            importlib.import_module(module.name)
    # XML may name any of them, and some are not for every system.
    for encoding in pkgutil.iter_modules(encodings.__path__):
        with suppress(ImportError):
            importlib.import_module(f"encodings.{encoding.name}")
    at = Position(Source("warm"))
    emit(FileType("warm", (), at), {"warm": "warm"})
    tempfile.gettempdir()
    sources()
