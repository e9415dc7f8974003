"""The most memory that a conversion takes, above that of an interpreter with the same imports.

In: a `Bench`. Out: lines of the table in MiB. Each conversion has a process of its own, and so has
the idle interpreter. What counts is VmHWM of Linux, the most that was resident at any time: pages
of files that are mapped count, pages of the page cache that are only read do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import PYTHON, Bench, remove
from benchmarks.measure import AtMost, Figure, Line, told
from benchmarks.pixels import NARROW_FLOATS, PLANES, RESHAPE, TURN, WAYS, Work
from fitsgen import compile_template

AIM = AtMost(64.0)

# ru_maxrss would not do: it is never less than the parent's memory at the start.
TELL = """
import json
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
print(json.dumps([peak / 1024, list(sys.modules)]))
"""
IDLE = """
import contextlib, importlib, sys
for name in sys.argv[1].split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
OURS = """
import sys, fitsgen
cube, made, template = sys.argv[1:]
fitsgen.convert(cube, template=template, output=made, verified=False)
"""
ASTROPY = """
import sys
from pathlib import Path
from benchmarks.pixels import by_astropy
cube, made, *expressions = sys.argv[1:]
by_astropy(tuple(expressions), Path(cube), Path(made))
"""


def lines(bench: Bench) -> Iterator[Line]:
    """Give the lines of memory: astropy beside ours, but not with what is larger than memory."""
    for way in (*WAYS, PLANES):
        work = way.of(bench.directory, bench.sizes.cube)
        yield Line(f"memory of {work.name}", partial(_with_astropy, bench, work))
    for way in (RESHAPE, TURN, NARROW_FLOATS):
        work = way.of(bench.directory, bench.sizes.large)
        if way is NARROW_FLOATS:  # one large cube at a time
            RESHAPE.of(bench.directory, bench.sizes.large).cube.remove()
        yield Line(f"memory of {work.name}", partial(_ours, bench, work))
    work.cube.remove()


def _ours(bench: Bench, work: Work) -> Figure:
    template = work.template()
    compile_template(template)
    taken = _above_idle(OURS, bench.made, str(work.cube.ready()), str(bench.made), str(template))
    return Figure(taken, AIM, "MiB")


def _with_astropy(bench: Bench, work: Work) -> Figure:
    ours = _ours(bench, work)
    arguments = (str(work.cube.path), str(bench.made), *work.expressions)
    return Figure(ours.value, AIM, "MiB", astropy=_above_idle(ASTROPY, bench.made, *arguments))


def _above_idle(code: str, made: Path, *arguments: str) -> float:
    """Return MiB."""
    remove([made])
    peak, modules = run(code, *arguments)
    remove([made])
    idle, _ = run(IDLE, " ".join(modules))
    return peak - idle


def run(code: str, *arguments: str) -> tuple[float, list[str]]:
    """Run code in a process; return the most MiB that it had, and the modules it imported."""
    command = [PYTHON, "-c", code + TELL, *arguments]
    peak, modules = json.loads(told(command).splitlines()[-1])
    return peak, modules
