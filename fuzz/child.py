"""The process that fuzzes one target: `python -m fuzz.child TARGET`, and arguments of libFuzzer."""

from __future__ import annotations

import gc
import random
import resource
import sys
from collections.abc import Callable

import atheris

MEMORY = 4 << 30
"""Bytes of address space: what asks for more gets a MemoryError, and that is a crash."""

with atheris.instrument_imports(include=["fitsgen", "defusedxml", "xml.etree", "zipfile"]):
    from fuzz.mutate import Mutate
    from fuzz.targets import TARGETS
    from fuzz.warm import warm_up

    warm_up()


def main() -> None:
    """Fuzz until the time or the runs are over, or something crashes."""
    (target,) = (one for one in TARGETS if one.name == sys.argv[1])
    gc.freeze()  # what is imported is never looked at again for what can be thrown away
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # A merge starts the process again, by a shell that is given its first argument as it stands.
    arguments = [f"{sys.executable} -m fuzz.child {target.name}", *sys.argv[2:]]
    if target.mutate is None:
        atheris.Setup(arguments, target.run)
    else:
        atheris.Setup(arguments, target.run, custom_mutator=_mutator(target.mutate))
    atheris.Fuzz()


def _mutator(change: Mutate) -> Callable[[bytes, int, int], bytes]:
    """Return what changes an input: half the time by its structure, half the time anyhow."""

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        dice = random.Random(seed)
        if dice.random() < 0.5:
            for _ in range(dice.choice((1, 1, 2, 4))):
                data = change(data, dice)
            if len(data) <= most:
                return data
            data = data[:most]
        changed: bytes = atheris.Mutate(data, most)
        return changed

    return mutated


if __name__ == "__main__":
    main()
