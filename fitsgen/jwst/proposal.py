"""A proposal file to the exposures that it plans, each with its numbers.

In: `ddddd.prop`, XML whose elements are nested as `LEVELS` says. Out: a `Proposal`; or
one `InputError` with all that is wrong. Nothing is converted, and no exposure is opened.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from fitsgen.diagnostics import InputError, Position, Problem, Source, errors, in_order, warning
from fitsgen.inputs.xml import Document, Element, climbs, cut, read_xml, shown

ROOT = "Proposal"
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a proposal: its element, and the keyword and digits of its number."""

    element: str
    keyword: str
    digits: int


LEVELS = (
    Level("Observation", "OBSERVTN", 3),
    Level("Visit", "VISIT", 3),
    Level("VisitGroup", "VISITGRP", 2),
    Level("ParallelSequenceID", "SEQ_ID", 1),
    Level("Activity", "ACT_ID", 2),
    Level("Exposure", "EXPOSURE", 5),
)
"""From the outermost to the innermost; each is numbered from 1 in the one around it."""

DETECTOR = "Detector"
FIELDS = ("base", "subarray", "exp_type")
"""What a detector has, as attributes or as elements; `subarray` may be left out."""

_ELEMENTS = (ROOT, *(level.element for level in LEVELS), DETECTOR)
_FILE_NAME = re.compile(r"([0-9]{5})\.prop")


@dataclass(frozen=True, slots=True)
class PlannedExposure:
    """One exposure of one detector.

    program
        Five digits.
    observation, visit, visit_group, sequence, activity, exposure
        Counted from 1, each in the one before.
    base
        The raw file, an absolute path in the directory of the proposal or below, with
        links followed. It need not exist. Being absolute it can't be taken for `NAME=PATH`.
    subarray
        The name of a window, or '' for the whole frame.
    exp_type
        The exposure type, such as NRS_IFU; not checked here.
    position
        Where the proposal has it.
    """

    program: str
    observation: int
    visit: int
    visit_group: int
    sequence: int
    activity: int
    exposure: int
    base: Path
    subarray: str
    exp_type: str
    position: Position

    @property
    def keywords(self) -> dict[str, str]:
        """The identifiers as header values, with leading zeros: PROGRAM, OBSERVTN, ..."""
        numbers = (
            *(self.observation, self.visit, self.visit_group),
            *(self.sequence, self.activity, self.exposure),
        )
        texts = {
            level.keyword: f"{number:0{level.digits}d}"
            for level, number in zip(LEVELS, numbers, strict=True)
        }
        return {"PROGRAM": self.program, **texts}

    @property
    def identifier(self) -> str:
        """The exposure identifier, 21 digits."""
        return "".join(self.keywords.values())

    @property
    def stem(self) -> str:
        """What the output's name begins with: jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>."""
        text = self.identifier
        return f"jw{text[:11]}_{text[11:16]}_{text[16:]}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal file: its program, its exposures in their order, and warnings."""

    path: Path
    program: str
    exposures: tuple[PlannedExposure, ...]
    problems: tuple[Problem, ...]


def is_proposal_name(name: str) -> bool:
    """Whether a file name is that of a proposal: five digits and `.prop`."""
    return _FILE_NAME.fullmatch(name) is not None


def read_proposal(path: Path) -> Proposal:
    """Read a proposal file.

    Raises
    ------
    InputError
        The file has another name, cannot be read (see `fitsgen.inputs.xml.read_xml`),
        has elements in the wrong place, more of a level than its digits can count, no
        exposures, one file twice in an exposure, or a `base` outside its directory.

    """
    name = _FILE_NAME.fullmatch(path.name)
    problems = []
    if not name:
        message = "a proposal file is named by five digits and `.prop`, such as 01234.prop"
        problems.append(Problem(message, Position(Source(str(path)))))
    try:
        reading = _Reading(read_xml(str(path)), path.parent.resolve(), name[1] if name else "")
        reading.proposal()
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    problems = in_order([*problems, *reading.problems, *_repeated(reading.exposures)])
    if errors(problems):
        raise InputError(problems)
    return Proposal(path, reading.program, tuple(reading.exposures), tuple(problems))


class _Reading:
    """The walk through one proposal, which gathers exposures and problems."""

    def __init__(self, document: Document, directory: Path, program: str) -> None:
        self.program = program
        self.exposures: list[PlannedExposure] = []
        self.problems: list[Problem] = []
        self._document = document
        self._directory = directory
        self._told: set[str] = set()

    def proposal(self) -> None:
        root = self._document.root
        if root.name != ROOT:
            self._report(root, f"expected {ROOT} as the outermost element, found {cut(root.name)}")
            return
        self._level(root, ())
        if not self.exposures and not errors(self.problems):
            self._report(root, "the proposal has no exposures")

    def _level(self, element: Element, numbers: tuple[int, ...]) -> None:
        level = LEVELS[len(numbers)] if len(numbers) < len(LEVELS) else None
        expected = level.element if level else DETECTOR
        inner = [c for c in element.children if self._is(c, expected, element)]
        if not inner:
            message = f"{element.name} has no {expected}: it plans nothing"
            self.problems.append(warning(message, self._document.at(element)))
        for number, child in enumerate(inner, 1):
            if level is None:
                self._detector(child, numbers)
                continue
            if number == 10**level.digits:
                message = f"{level.element} {number}: identifiers count to {number - 1}"
                self._report(child, message)
            self._level(child, (*numbers, number))

    def _is(self, child: Element, expected: str, parent: Element) -> bool:
        """Whether a child is what is expected; a slip must not change how others are counted."""
        if child.name == expected:
            return True
        message = f"{parent.name} has {expected} elements in it, found {cut(child.name)}"
        self._unexpected(child, child.name, message, _ELEMENTS)
        return False

    def _unexpected(
        self, element: Element, name: str, message: str, known: tuple[str, ...]
    ) -> None:
        if message in self._told:
            return
        by_case = {one.lower(): one for one in known}
        near = get_close_matches(name.lower(), by_case, 1, 0.75)
        hint = f"did you mean {by_case[near[0]]}?" if near and by_case[near[0]] != name else ""
        if near:
            self._report(element, message, hint)
        else:
            self._told.add(message)
            self.problems.append(warning(f"{message}: it is not read", self._document.at(element)))

    def _detector(self, detector: Element, numbers: tuple[int, ...]) -> None:
        for name in map(cut, (*detector.keys(), *(child.name for child in detector.children))):
            if name not in FIELDS:
                self._unexpected(detector, name, f"{DETECTOR} has no {name}", FIELDS)
        base, subarray, exp_type = (self._field(detector, name) for name in FIELDS)
        path = self._inside(*base) if base else None
        if not path or not exp_type:
            return
        observation, visit, visit_group, sequence, activity, exposure = numbers
        self.exposures.append(
            PlannedExposure(
                program=self.program,
                observation=observation,
                visit=visit,
                visit_group=visit_group,
                sequence=sequence,
                activity=activity,
                exposure=exposure,
                base=path,
                subarray=subarray[0] if subarray else "",
                exp_type=exp_type[0],
                position=self._document.at(detector),
            )
        )

    def _field(self, detector: Element, name: str) -> tuple[str, Element] | None:
        """Return the text of a field, and the element that has it."""
        given = [(text, detector) for key, text in detector.items() if key == name]
        given += [(child.text or "", child) for child in detector.children if child.name == name]
        if len(given) > 1:
            self._report(given[1][1], f"{DETECTOR} has more than one {name}")
        text, element = given[0] if given else ("", detector)
        if text.strip():
            return text.strip(), element
        if name != "subarray":
            self._report(element, f"{DETECTOR} has no {name}")
        return None

    def _inside(self, base: str, element: Element) -> Path | None:
        """Return the path of a raw file, unless it is outside the proposal's directory."""
        if climbs(base):
            message = f"base {shown(base)} is no path below the directory of the proposal"
        elif path := self._resolved(base):
            return path
        else:
            message = f"base {shown(base)} leads out of the directory of the proposal"
        self._report(element, message, "name a file in that directory, or below it")
        return None

    def _resolved(self, base: str) -> Path | None:
        try:
            path = (self._directory / base).resolve()
        except (OSError, RuntimeError, ValueError):  # A link to itself; a name too long; a NUL.
            return None
        return path if path.is_relative_to(self._directory) else None

    def _report(self, element: Element, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, self._document.at(element), hint))
        if len(errors(self.problems)) == MAX_PROBLEMS:
            last = Problem(f"there are {MAX_PROBLEMS} errors: the rest is not looked at")
            raise InputError([*in_order(self.problems), last])


def _repeated(exposures: list[PlannedExposure]) -> list[Problem]:
    """Report raw files that are named more than once: twice in one exposure is an error."""
    by_file: dict[Path, list[PlannedExposure]] = defaultdict(list)
    for exposure in exposures:
        by_file[exposure.base].append(exposure)
    problems = []
    for same in (same for same in by_file.values() if len(same) > 1):
        name = same[0].base.name
        first: dict[str, PlannedExposure] = {}
        for exposure in same:
            if exposure.identifier in first:
                message = f"{name} is in this exposure twice: both would make the same file"
                notes = (("first named", first[exposure.identifier].position),)
                problems.append(Problem(message, exposure.position, notes=notes))
            first.setdefault(exposure.identifier, exposure)
        if len(first) > 1:
            message = f"{name} is the base of {len(first)} exposures"
            notes = (("first named", same[0].position),)
            problems.append(warning(message, same[1].position, notes=notes))
    return problems
