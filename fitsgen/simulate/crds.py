"""Reference files to a cache in which the calibration pipeline looks for them by itself.

In: reference files, and what they are for. Out: below a directory, the files, and the mappings
that lead to them (`.pmap`, `.imap`, `.rmap`, in the form of the crds package, which reads them
as literals). More files may be added later.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

from fitsgen.diagnostics import input_error
from fitsgen.runtime.files import write_bytes

CONTEXT = "jwst_0000.pmap"
INDEX = "fitsgen.json"
USE_AFTER = "2020-01-01 00:00:00"

# What the steps of the pipelines ask for before they run, and what a simulation has none of.
NOT_APPLICABLE = (
    *("abvegaoffset", "apcorr", "area", "barshadow", "bkg", "camera", "collimator", "cubepar"),
    *("dark", "disperser", "distortion", "drizpars", "emicorr", "extract1d", "filteroffset"),
    *("fflat", "flat", "fore", "fpa", "fringe", "gain", "ifufore", "ifupost", "ifuslicer", "ipc"),
    *("lastframe", "linearity", "mask", "mrsxartcorr", "mrsptcorr", "msa", "msaoper", "nrm"),
    *("ote", "pastasoss", "pathloss", "persat", "photom", "pictureframe", "psf", "psfmask"),
    *("readnoise", "refpix", "regions", "reset", "rscd", "saturation", "sflat", "dflat"),
    *("sirskernel", "speckernel", "specprofile", "spectrace", "specwcs", "superbias"),
    *("straymask", "throughput", "trapdensity", "trappars", "tsophot", "wavecorr"),
    *("wavelengthrange", "wavemap", "wcsregions", "wfssbkg"),
)

PARKEYS = (
    "META.INSTRUMENT.DETECTOR",
    "META.EXPOSURE.TYPE",
    "META.EXPOSURE.READPATT",
    "META.SUBARRAY.NAME",
)


@dataclass(frozen=True, slots=True)
class Use:
    """What reference files are for: the values of `PARKEYS`."""

    instrument: str
    detector: str
    exp_type: str
    readpatt: str
    subarray: str

    @property
    def match(self) -> tuple[str, ...]:
        """The values by which a file is chosen."""
        return (self.detector, self.exp_type, self.readpatt, self.subarray)


def add(directory: Path, use: Use, references: Mapping[str, Path]) -> None:
    """Put reference files into a cache, and write its mappings anew.

    Parameters
    ----------
    references
        By their type, such as `gain`.

    Raises
    ------
    InputError
        The directory holds an index that is not ours.
    OutputError
        A file cannot be written.

    """
    index = _index(directory / INDEX)
    place = directory / "references" / "jwst" / use.instrument.lower()
    place.mkdir(parents=True, exist_ok=True)
    for kind, path in references.items():
        words = (use.detector, use.exp_type, use.readpatt, use.subarray, kind)
        name = "_".join(["fitsgen", *words]).lower().replace("-", "") + ".fits"
        shutil.copyfile(path, place / name)
        entries = index.setdefault(use.instrument.lower(), {}).setdefault(kind, {})
        entries["|".join(use.match)] = name
    _write(directory / INDEX, json.dumps(index, indent=1, sort_keys=True) + "\n")
    mappings = directory / "mappings" / "jwst"
    mappings.mkdir(parents=True, exist_ok=True)
    for name, text in _mappings(index):
        _write(mappings / name, text)
    _write_configuration(directory / "config" / "jwst")


Index = dict[str, dict[str, dict[str, str]]]
"""Instrument, type and values of `PARKEYS`, joined by bars, to the name of a file."""


def _index(path: Path) -> Index:
    if not path.exists():
        return {}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        for kinds in index.values():
            for entries in kinds.values():
                if not all(isinstance(name, str) for name in entries.values()):
                    raise ValueError
    except (OSError, ValueError, AttributeError):
        raise input_error(str(path), "is no index that fitsgen wrote") from None
    found: Index = index
    return found


def _mappings(index: Index) -> Iterable[tuple[str, str]]:
    instruments = {}
    for instrument, kinds in sorted(index.items()):
        chosen: dict[str, str] = dict.fromkeys(sorted(NOT_APPLICABLE), "N/A")
        # An exposure that has none of a kind, where others have, has to be told so.
        none = {use: "N/A" for entries in kinds.values() for use in entries}
        for kind, entries in sorted(kinds.items()):
            name = f"jwst_{instrument}_{kind}_0000.rmap"
            chosen[kind] = name
            yield name, _rmap(instrument, kind, name, none | entries)
        name = f"jwst_{instrument}_0000.imap"
        instruments[instrument.upper()] = name
        header = {"mapping": "INSTRUMENT", "instrument": instrument.upper(), "parkey": ("REFTYPE",)}
        yield name, _mapping(name, header, pformat(chosen))
    header = {"mapping": "PIPELINE", "parkey": ("META.INSTRUMENT.NAME",)}
    yield CONTEXT, _mapping(CONTEXT, header, pformat(instruments))


def _rmap(instrument: str, kind: str, name: str, entries: Mapping[str, str]) -> str:
    header = {
        "mapping": "REFERENCE",
        "instrument": instrument.upper(),
        "filekind": kind.upper(),
        "filetype": kind.upper(),
        "suffix": kind,
        "file_ext": ".fits",
        "text_descr": kind,
        "parkey": (PARKEYS, ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")),
    }
    cases = [
        f"    {tuple(values.split('|'))!r} : UseAfter({{{USE_AFTER!r} : {file!r}}}),"
        for values, file in sorted(entries.items())
    ]
    return _mapping(name, header, "Match({\n" + "\n".join(cases) + "\n})")


def _mapping(name: str, header: Mapping[str, object], selector: str) -> str:
    """Return a mapping; its checksum is that of the text without the line that has it."""
    whole = {"observatory": "JWST", "name": name, "derived_from": "made by fitsgen", **header}
    lines = [f"    {key!r} : {value!r},\n" for key, value in sorted(whole.items())]
    begin, end = "header = {\n" + "".join(lines), f"}}\n\nselector = {selector}\n"
    digest = hashlib.sha1((begin + end).encode("ascii"), usedforsecurity=False).hexdigest()
    return f"{begin}    'sha1sum' : {digest!r},\n{end}"


def _write_configuration(directory: Path) -> None:
    """Write what the crds package asks a server for, were there one."""
    directory.mkdir(parents=True, exist_ok=True)
    answer = {
        "observatory": "jwst",
        "latest_context": CONTEXT,
        "operational_context": CONTEXT,
        "edit_context": CONTEXT,
        "last_synced": "2026-01-01 00:00:00",
        "bad_files": "",
        "crds_version": {"str": "14.0.0"},
        "force_remote_mode": False,
        "reference_url": {"jwst": ""},
        "mapping_url": {"jwst": ""},
        "server_version": "14.0.0",
        "status": "cache",
    }
    text = pformat(answer)[:-1] + ",\n 'bad_files_set': set()}\n"
    _write(directory / "server_config", text)
    _write(directory / "ref_cache_subdir_mode", "instrument\n")


def _write(path: Path, text: str) -> None:
    write_bytes(path, text.encode("ascii"), overwrite=True)
