"""A directory of proposals to the files that are to be made: of what, as what type, by what name.

In: a directory, or a proposal. Out: `Plan`s. Raw files are opened for their headers; nothing is
converted or written.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fitsgen.diagnostics import InputError, Position, Problem, Source, input_error
from fitsgen.inputs import INPUT, open_inputs
from fitsgen.inputs.sources import DataFile
from fitsgen.inputs.sources import Source as InputSource
from fitsgen.jwst.detectors import identify
from fitsgen.jwst.frame import cut, stating, to_dms
from fitsgen.jwst.kinds import choose_file_type
from fitsgen.jwst.names import ExposureId
from fitsgen.jwst.proposal import PlannedExposure, Proposal, is_proposal_name, read_proposal
from fitsgen.jwst.values import shown

_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """How a raw file is seen: in the science frame, saying of itself what the proposal says.

    Its data file has the last word on the numbers; OBS_ID and VISIT_ID, which templates take from
    the raw file, are made to agree.
    """

    identifier: str
    exp_type: str
    subarray: str

    def stated(self, source: InputSource) -> InputSource:
        """Return a raw file that states what the proposal does; its pixels are as they were."""
        keywords = {
            "EXP_TYPE": self.exp_type,
            "OBS_ID": self.identifier,
            "VISIT_ID": self.identifier[:11],
        }
        return stating(source, keywords)

    def __call__(self, source: InputSource) -> InputSource:
        """Return a raw file in the science frame, its window cut where one is planned."""
        stated = self.stated(source)
        return cut(stated, self.subarray) if self.subarray else to_dms(stated)


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is to be made of a planned exposure: its name, and its type with the reason."""

    exposure: PlannedExposure
    name: str
    file_type: str
    reason: str

    @property
    def view(self) -> AsPlanned:
        """What the raw file is seen through."""
        return _view(self.exposure)

    @property
    def obsid(self) -> DataFile:
        """The numbers of the exposure, as the data file that templates ask for."""
        return DataFile("obsid", (("", self.exposure.keywords),))

    @property
    def recipe(self) -> str:
        """All that decides how the raw file is converted, as text."""
        exposure = self.exposure
        return json.dumps(
            [self.file_type, exposure.identifier, exposure.exp_type, exposure.subarray]
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A planned exposure of which no file can be made, and why."""

    exposure: PlannedExposure
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of a proposal, in the directory where it is."""

    proposal: Proposal
    known: Mapping[PlannedExposure, Target | Refusal]

    def __len__(self) -> int:
        return len(self.proposal.exposures)

    def steps(self) -> Iterator[Target | Refusal]:
        """Give what is to be made of each exposure, in order; its raw file is looked at then."""
        raw = frozenset(exposure.base for exposure in self.proposal.exposures)
        directory = self.proposal.path.parent.resolve()
        for exposure in self.proposal.exposures:
            step = self.known.get(exposure) or _step(exposure)
            if isinstance(step, Target) and directory / step.name in raw:
                message = f"{step.name} would be written over a raw file"
                step = Refusal(exposure, (Problem(message, exposure.position),))
            yield step


def find_proposals(directory: Path) -> tuple[list[Path], list[Problem]]:
    """Find the proposals in a directory and below, and say what could not be looked at.

    Links are not followed: what is found is in the directory.
    """
    paths: list[Path] = []
    problems: list[Problem] = []

    def unreadable(error: OSError) -> None:
        message = f"cannot be read: {error.strerror or error}"
        problems.append(Problem(message, Position(Source(str(error.filename)))))

    for where, directories, names in os.walk(directory, onerror=unreadable):
        directories.sort()
        for path in (Path(where, name) for name in sorted(names) if is_proposal_name(name)):
            if path.is_symlink():
                message = "is a symbolic link, and is not followed"
                problems.append(Problem(message, Position(Source(str(path)))))
            else:
                paths.append(path)
    return paths, problems


def plan(path: Path) -> Plan:
    """Plan what is to be made of a proposal.

    Raises
    ------
    InputError
        As `read_proposal` does, and where two raw files would make one file.

    """
    proposal = read_proposal(path)
    counts = Counter(exposure.identifier for exposure in proposal.exposures)
    # Only files of one exposure can have one name: whatever has its own is looked at later.
    shared = (one for one in proposal.exposures if counts[one.identifier] > 1)
    known = {exposure: _step(exposure) for exposure in shared}
    if problems := _collisions(step for step in known.values() if isinstance(step, Target)):
        raise InputError(problems)
    return Plan(proposal, known)


def _step(exposure: PlannedExposure) -> Target | Refusal:
    try:
        return _target(exposure)
    except InputError as error:
        return Refusal(exposure, error.problems)


def _target(exposure: PlannedExposure) -> Target:
    """Look at the header of a raw file: which detector it is of, and what kind of file."""
    for field in ("exp_type", "subarray"):
        value: str = getattr(exposure, field)
        if value and not _WORD.fullmatch(value):
            message = f"{field} {shown(value)}: expected up to 40 letters, digits, '_' and '-'"
            raise InputError(Problem(message, exposure.position))
    with open_inputs([exposure.base]) as inputs:
        if INPUT not in inputs.sources:
            raise input_error(str(exposure.base), "is no FITS file")
        source = _view(exposure).stated(inputs.sources[INPUT])
        detector = identify(source.hdu(0).header)
        choice = choose_file_type(source.hdu(number) for number in range(len(source)))
    name = ExposureId.parse(exposure.identifier).file_name(detector.name)
    return Target(exposure, name, choice.name, choice.reason)


def _view(exposure: PlannedExposure) -> AsPlanned:
    return AsPlanned(exposure.identifier, exposure.exp_type, exposure.subarray)


def _collisions(targets: Iterable[Target]) -> list[Problem]:
    """Report each file that two raw files of an exposure would make."""
    by_name: dict[str, list[Target]] = defaultdict(list)
    for target in targets:
        by_name[target.name].append(target)
    problems = []
    for name, same in by_name.items():
        if len(same) > 1:
            files = " and ".join(target.exposure.base.name for target in same)
            message = f"{files} are of the same detector, and would both make {name}"
            notes = tuple(("planned here too", target.exposure.position) for target in same[1:])
            problems.append(Problem(message, same[0].exposure.position, notes=notes))
    return problems
