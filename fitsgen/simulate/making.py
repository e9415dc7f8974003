"""A plan to a directory: raw file, exposure, truth, and the reference files that belong to it.

In: a `Plan`. Out: files, every FITS file among the products made by fitsgen's own templates from
the raw file, the data files and the maps.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen.compiler import load
from fitsgen.diagnostics import Problem
from fitsgen.jwst.view import Frame, view
from fitsgen.runtime.convert import Conversion, Options, convert
from fitsgen.runtime.files import whole_file, write_bytes
from fitsgen.runtime.functions import frozen_clock
from fitsgen.simulate.exposure import Advance, Plan, write_raw
from fitsgen.simulate.products import (
    data_file,
    exposure_keywords,
    maps_file,
    truth_file,
    weights_file,
)

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

REFERENCES = "references"

# What any exposure needs, and what only some do.
_COMMON = ("mask", "saturation", "linearity", "gain", "readnoise", "ipc", "flat")
_MIRI = ("dark_miri", "reset", "rscd", "lastframe")


@dataclass(frozen=True, slots=True)
class Made:
    """The files that were made: the raw one, the exposure, and the references by their type.

    problems
        Warnings about what was made by a template.

    """

    raw: Path
    exposure: Path
    references: dict[str, Path]
    problems: tuple[Problem, ...]


def reference_types(plan: Plan) -> tuple[str, ...]:
    """Return the file types of the reference files of an exposure, without `reference_`."""
    match plan.mode.detector.instrument:
        case "MIRI":
            return (*_COMMON, *_MIRI)
        case "NIRSPEC":
            between = ("refpix",) if plan.irs2 else ()
            return (*_COMMON, "superbias", "dark_nirspec", *between)
        case _:
            return (*_COMMON, "superbias", "dark")


def make(
    plan: Plan,
    directory: Path,
    *,
    overwrite: bool = False,
    advance: Advance | None = None,
    tell: Callable[[Path], None] = lambda path: None,
) -> Made:
    """Simulate an exposure and make all that belongs to it; the same plan gives the same bytes.

    Parameters
    ----------
    advance
        Is told the rows that were simulated, and all there are.
    tell
        Is told each file, once it is there.

    Raises
    ------
    FitsgenError
        The scene does not fit, or a file cannot be made.

    """
    raw = directory / f"{plan.stem}_raw.fits"
    plan.rate  # noqa: B018 - a scene that does not fit is told before anything is written
    truth = write_raw(raw, plan, overwrite=overwrite, advance=advance)
    tell(raw)
    with frozen_clock(datetime.datetime.fromisoformat(plan.start)):
        exposure_data = directory / "exposure.dat"
        text = data_file("exposure", exposure_keywords(plan), "What is known of the exposure.")
        write_bytes(exposure_data, text.encode("ascii"), overwrite=overwrite)
        tell(exposure_data)
        exposure = _exposure(plan, raw, exposure_data, directory, overwrite=overwrite)
        tell(exposure.path)
        _write(directory / f"{plan.stem}_truth.fits", truth_file(plan, truth), overwrite, tell)
        maps = directory / f"{plan.stem}_maps.fits"
        _write(maps, maps_file(plan), overwrite, tell)
        of_type = {}
        if plan.irs2:
            of_type["refpix"] = directory / f"{plan.stem}_irs2.fits"
            _write(of_type["refpix"], weights_file(plan, plan.irs2), overwrite, tell)
        references = dict(_references(plan, maps, of_type, overwrite=overwrite, tell=tell))
    problems = [one for made in (exposure, *references.values()) for one in made.problems]
    paths = {kind: made.path for kind, made in references.items()}
    return Made(raw, exposure.path, paths, tuple(problems))


def _exposure(plan: Plan, raw: Path, data: Path, directory: Path, *, overwrite: bool) -> Conversion:
    file_type = load(plan.mode.file_type).file_type
    options = Options(directory, overwrite, view=view(Frame.DMS))
    return convert(file_type, (raw, data), {}, options)


def _references(
    plan: Plan,
    maps: Path,
    of_type: Mapping[str, Path],
    *,
    overwrite: bool,
    tell: Callable[[Path], None],
) -> Iterator[tuple[str, Conversion]]:
    """Make the reference files, each from the maps of its type, or else from `maps`."""
    place = maps.parent / REFERENCES
    place.mkdir(exist_ok=True)
    about = place / "reference.dat"
    text = data_file("reference", _reference_keywords(plan), "What is known of the references.")
    write_bytes(about, text.encode("ascii"), overwrite=overwrite)
    detector = plan.mode.detector.name.lower()
    for name in reference_types(plan):
        kind = name.partition("_")[0]
        path = place / f"{detector}_{kind}.fits"
        file_type = load(f"reference_{name}").file_type
        given = (of_type.get(kind, maps), about)
        made = convert(file_type, given, {}, Options(path, overwrite))
        tell(path)
        yield kind, made


def _reference_keywords(plan: Plan) -> dict[str, object]:
    return {
        "AUTHOR": "fitsgen",
        "DESCRIP": f"Maps of the simulated detector {plan.mode.detector.name}",
        "PEDIGREE": "SIMULATION",
        "USEAFTER": "2020-01-01T00:00:00",
        "HISTORY": f"Simulated with the mode {plan.mode.name} and the seed {plan.seed}.",
    }


def _write(path: Path, hdus: HDUList, overwrite: bool, tell: Callable[[Path], None]) -> None:
    """Write a file that astropy made, whole."""
    # To what is no file of the system, astropy writes turned pixels one by one.
    with (
        whole_file(path, overwrite=overwrite) as file,
        file.interruptible(),
        os.fdopen(os.dup(file.fd), "wb") as stream,
    ):
        hdus.writeto(stream)
    tell(path)
