"""Runs the fuzzer: a process for each target, a table of what they did, status 1 if one crashed."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from fuzz.targets import TARGETS, Target

FOUND = Path(__file__).with_name("found")
ROOT = FOUND.parents[1]
MISSING = (
    "fuzzing needs atheris, which is not installed: pip install atheris\n"
    "(it has wheels for Linux only, and not for every Python)"
)
TIMEOUT = 10
"""Seconds that one input may take."""
RESIDENT = 1024
"""MiB that a process may use."""
KEPT = 32
"""How many inputs of a target the corpus has: those that cover most."""
COLUMNS = "{:12}{:>12}{:>9}{:>9}{:>10}{:>9}  {}"


@dataclass(frozen=True, slots=True)
class Run:
    """What the fuzzing of one target came to."""

    name: str
    executions: int
    seconds: int
    features: int
    crashes: tuple[Path, ...]
    reason: str

    def __str__(self) -> str:
        rate = self.executions / self.seconds if self.seconds else 0
        return COLUMNS.format(
            self.name, f"{self.executions:,}", f"{self.seconds:.0f} s", f"{rate:,.0f}/s",
            self.features, len(self.crashes), self.reason,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """How a child ended, and what it told."""

    status: int
    told: str


@dataclass(frozen=True, slots=True)
class Wish:
    """How long each target is fuzzed, and what is done with what was found."""

    seconds: int
    runs: int
    merge: bool
    seeds: Path | None
    place: Path


def main() -> int:
    """Fuzz, print the table, and return the exit status."""
    arguments = _arguments()
    if importlib.util.find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 2
    chosen = [one for one in TARGETS if arguments.target in (one.name, "all")]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    start = monotonic()
    with tempfile.TemporaryDirectory(prefix="fitsgen-fuzz-", dir=memory) as place:
        known = (arguments.seconds, arguments.runs, arguments.merge, arguments.seeds)
        wish = Wish(*known, Path(place))
        print(COLUMNS.format("target", "executions", "time", "rate", "features", "crashes", ""))
        runs = list(_printed(chosen, wish, arguments.jobs))
    executions, crashes = sum(run.executions for run in runs), sum(len(run.crashes) for run in runs)
    spent = monotonic() - start
    print(f"{executions:,} executions over {len(runs)} targets in {spent:.0f} s, {crashes} crashes")
    return 1 if any(run.crashes or run.reason for run in runs) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("target", choices=[*names, "all"])
    parser.add_argument(
        "--seconds", type=int, default=0, help="for each target; thrice for the main ones"
    )
    parser.add_argument("--runs", type=int, default=0, help="executions of each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--merge", action="store_true", help="take what was found into the corpus")
    parser.add_argument("--seeds", type=Path, help="a directory of more inputs, one a target")
    arguments = parser.parse_args()
    if not (arguments.seconds or arguments.runs):
        arguments.seconds = 60
    return arguments


def _printed(chosen: Sequence[Target], wish: Wish, jobs: int) -> Iterator[Run]:
    with ThreadPoolExecutor(jobs) as pool:
        for run in pool.map(lambda target: _fuzzed(target, wish), chosen):
            print(run, flush=True)
            for crash in run.crashes:
                first, *_ = crash.with_suffix(".log").read_text(encoding="utf-8").splitlines()
                print(f"  {os.path.relpath(crash)}: {first[:200]}")
            yield run


def _fuzzed(target: Target, wish: Wish) -> Run:
    """Fuzz one target in a process of its own; its new inputs go to a directory in memory."""
    new = wish.place / target.name
    new.mkdir()
    FOUND.mkdir(exist_ok=True)
    corpus = [target.corpus]
    if wish.seeds:
        corpus.append(wish.seeds / target.corpus.name)
    before = set(FOUND.iterdir())
    words = new.with_suffix(".dict")
    words.write_text(target.dictionary(), encoding="ascii")
    limits = (*_limits(wish, target.weight), f"-max_len={target.max_length}", f"-dict={words}")
    told = (f"-artifact_prefix={FOUND}/{target.name}-", "-print_final_stats=1")
    places = (str(new), *map(str, corpus))
    done = _child(target.name, *limits, *told, *places, place=wish.place)
    crashes = tuple(sorted(set(FOUND.iterdir()) - before))
    for crash in crashes:
        crash.with_suffix(".log").write_text(_cause(done.told), encoding="utf-8")
    if wish.merge and not crashes:
        _merge(target, [*corpus, new], wish.place)
    executions = _number(r"stat::number_of_executed_units:\s+(\d+)", done.told)
    seconds = _number(r"Done \d+ runs in (\d+) second", done.told)
    features = _number(r".*\bft: (\d+)", done.told)
    reason = "" if done.status == 0 or crashes else f"status {done.status}: {_cause(done.told)}"
    return Run(target.name, executions, seconds, features, crashes, reason)


def _limits(wish: Wish, weight: int) -> list[str]:
    limits = [f"-timeout={TIMEOUT}", f"-rss_limit_mb={RESIDENT}", "-use_value_profile=0"]
    if wish.seconds:
        limits.append(f"-max_total_time={wish.seconds * weight}")
    if wish.runs:
        limits.append(f"-runs={wish.runs}")
    return limits


def _child(name: str, *arguments: str, place: Path) -> Done:
    environment = os.environ | {"PYTHONHASHSEED": "0", "TMPDIR": str(place)}
    command = [sys.executable, "-m", "fuzz.child", name, *arguments]
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=pipe, stderr=both, check=False)
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"))


def _merge(target: Target, places: Sequence[Path], place: Path) -> None:
    """Make the corpus anew, of the inputs that are of most use."""
    merged = place / f"{target.name}-merged"
    merged.mkdir()
    _child(
        target.name, "-set_cover_merge=1", f"-max_len={target.max_length}", str(merged),
        *map(str, places), place=place,
    )  # fmt: skip
    # It writes those first that add most; what once crashed is kept whatever it adds.
    useful = sorted(merged.iterdir(), key=lambda path: path.stat().st_mtime_ns)[:KEPT]
    for path in target.inputs():
        if not path.name.startswith("crash-"):
            path.unlink()
    for path in useful:
        shutil.copyfile(path, target.corpus / path.name[:16])


def _cause(told: str) -> str:
    """Return the exception that ended a process, or the last lines that it told."""
    found = re.search(r"=== Uncaught Python exception: ===\n(.*?)\n==\d+==", told, re.DOTALL)
    if found:
        return found[1]
    lines = re.findall(r"==\d+== ERROR: (.*)", told) or told.strip().splitlines()[-1:]
    return "\n".join([*lines, told[-4000:]])


def _number(pattern: str, told: str) -> int:
    found = re.findall(pattern, told)
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
