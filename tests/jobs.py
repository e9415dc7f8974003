"""Jobs for workers; a module that is imported soon, for each worker does so."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from fitsgen.batch import Ran
from fitsgen.diagnostics import Problem

NOTHING = ""


@dataclass(frozen=True)
class Do:
    """A step with a job."""

    job: Work


@dataclass(frozen=True)
class Work:
    """Does something, and tells in a file how often it began."""

    output: Path
    what: str = NOTHING
    paths = ()

    @property
    def name(self) -> str:
        return self.output.name

    def run(self) -> Ran:
        with self.output.open("a") as file:
            file.write("begun\n")
        match self.what:
            case "sleep":
                time.sleep(60)
            case "compute":
                sum(range(10**12))
            case "allocate":
                bytearray(2**30)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "limits":
                which = (resource.RLIMIT_DATA, resource.RLIMIT_CORE, resource.RLIMIT_CPU)
                found = [resource.getrlimit(one)[0] for one in which]
                return Ran((Problem(repr(found)),))
        return Ran()
