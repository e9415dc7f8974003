"""What the data models of the flight pipeline say of a file, and crds of reference files.

In: paths. The packages `stdatamodels` and `crds` are needed when a function is called.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from fitsgen.simulate.crds import CONTEXT

# The name of a server that the crds package takes for none: nothing is asked of a network.
CRDS = {
    "CRDS_SERVER_URL": "https://crds-serverless-mode.stsci.edu",
    "CRDS_OBSERVATORY": "jwst",
    "CRDS_CONTEXT": CONTEXT,
    "STPIPE_DISABLE_CRDS_STEPPARS": "true",
}

# The type of the pixels of guide-star files: the schema has float32, which every value survives,
# the telescope sends what it sends for all detectors.
SENT_AS = {"GuiderRawModel": {"SCI": "uint16"}}


def assert_model_takes(path: Path, name: str) -> None:
    """Fail unless a file opens as that data model, and is what the model's schema says.

    The schema is kept without a warning, every keyword that it knows stands in its HDU, and
    pixels and columns are stored in the types it has: reading would cast others silently.
    """
    from stdatamodels.jwst import datamodels

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with datamodels.open(path, strict_validation=True) as model, fits.open(path) as found:
            assert type(model).__name__ == name
            model.validate()
            keywords, arrays = schema_of(model)
            for hdu in found:
                for key in set(hdu.header) & set(keywords):
                    assert hdu.name in keywords[key], key
                if hdu.name in arrays and hdu.data is not None:
                    wanted = SENT_AS.get(name, {}).get(hdu.name, arrays[hdu.name])
                    if isinstance(wanted, str):
                        assert hdu.data.dtype.name == wanted, hdu.name
                    else:
                        columns = [(column["name"], column["datatype"]) for column in wanted]
                        assert stored_types(hdu) == numpy_types(columns), hdu.name
            assert {hdu.name for hdu in found[1:]} - {"ASDF"} <= set(arrays)


def schema_of(model: object) -> tuple[dict[str, set[str]], dict[str, object]]:
    """Return the HDUs of each keyword, and the type of each array, that a model's schema has."""
    from stdatamodels.schema import walk_schema

    keywords: dict[str, set[str]] = {}
    arrays: dict[str, object] = {}

    def visit(part: dict, *_: object) -> None:
        hdu = part.get("fits_hdu", "PRIMARY").upper()
        if "fits_keyword" in part:
            keywords.setdefault(part["fits_keyword"], set()).add(hdu)
        elif "fits_hdu" in part and "datatype" in part:
            arrays[hdu] = part["datatype"]

    walk_schema(model.schema, visit)
    return keywords, arrays


def numpy_types(columns: Iterable[tuple[str, object]]) -> list[tuple[str, np.dtype]]:
    """Return the columns of a schema: a type's name, or ["ascii", width]."""
    return [
        (name, np.dtype(f"S{kind[1]}" if isinstance(kind, list) else kind))
        for name, kind in columns
    ]


def stored_types(hdu: fits.BinTableHDU) -> list[tuple[str, np.dtype]]:
    """Return the columns of a file, and the types of their elements.

    FITS stores unsigned integers with an offset.
    """
    types = [hdu.columns.dtype[name].base.newbyteorder("=") for name in hdu.columns.names]
    return [
        (column.name, np.dtype(f"u{kind.name}") if column.bzero else kind)
        for column, kind in zip(hdu.columns, types, strict=True)
    ]


def crds_environment(cache: Path) -> dict[str, str]:
    """Return the environment in which the crds package takes all from a cache of ours."""
    return {**os.environ, **CRDS, "CRDS_PATH": str(cache)}


# What `python -m crds.certify` does. It collects garbage whenever it opens a file: what is there
# from the beginning is none, which makes it several times faster.
_CERTIFY = """
import gc, sys
import crds.certify, stdatamodels.jwst.datamodels
from crds.certify.certify import CertifyScript
gc.freeze()
sys.exit(CertifyScript()())
"""


def assert_certified(paths: Sequence[Path], cache: Path, *options: str) -> None:
    """Fail if `crds certify` has an error to tell of reference files."""
    command = [sys.executable, "-c", _CERTIFY, *options, *map(str, paths)]
    environment = crds_environment(cache)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    told = (result.stdout + result.stderr).splitlines()
    assert [line for line in told if "ERROR" in line] == []
    assert any(line.endswith(" 0 errors") for line in told), told
