"""Damaged data files, lists, manifests, proposals, modules, caches and names."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from damages import Damage, Make, Outcome, all_of, changed, refused, written

from fitsgen.compiler import checked, module_text

WITH = "convert in.fits d.dat -t d.gen.txt -o out.fits"


def data(content: bytes | str) -> Make:
    """Write a data file, and a template that reads it."""
    reads = written("d.gen.txt", "<<file t>>\n<<header p>>\nA = d('A')\n")
    return all_of(reads, written("d.dat", content))


def refused_data(content: bytes | str, *says: str) -> Damage:
    return refused(data(content), "d.dat", "error: ", *says, command=WITH)


HEAD = "<<file d>>\nA = "

DATA_FILES: dict[str, Damage] = {
    "data: code": refused_data(HEAD + "open('x')\n", "d.dat:2:5: error: this is no literal"),
    "data: a power": refused_data(HEAD + "9**9**9\n", "d.dat:2:5: error: this is no literal"),
    "data: 4 MB of digits": refused_data(HEAD + "9" * 4_000_000 + "\n", "d.dat:2:1: error: "),
    "data: 5,000 digits": refused_data(HEAD + "9" * 5_000 + "\n", "d.dat:2:5: error: "),
    "data: 1e999": refused_data(HEAD + "1e999\n", "d.dat:2:5: error: "),
    "data: lists 100,000 deep": refused_data(
        HEAD + "[" * 100_000 + "]" * 100_000 + "\n", "d.dat:2:1: error: "
    ),
    "data: a NUL": refused_data(HEAD + "'a\0b'\n", "d.dat:2:7: error: a NUL"),
    "data: latin-1": refused_data(HEAD.encode() + b"'\xe9'\n", "d.dat:2:6: error: byte 0xE9"),
    "data: a million lines": refused_data(HEAD + "1\n" + "B = 1\n" * 1_000_000, "too large"),
    "data: an unclosed quote": refused_data(HEAD + "'x\n", "d.dat:2:5: error: ", "quote"),
    "data: a data section": refused_data(HEAD + "1\n<<data>>\n[1]\n", "d.dat:4:1: error: "),
    "data: no name": refused_data("<<file>>\nA = 1\n", "d.dat:1:"),
    "data: an include of a file outside": refused_data(
        HEAD + '1\n#include "../../../etc/passwd"\n', "d.dat:3:"
    ),
    "data: a text of 5 MB": refused_data(HEAD + "'" + "x" * 5_000_000 + "'\n", "too large"),
}

BATCH = "batch many.jsonl -o out --jobs 1"


def manifest(content: bytes | str) -> Make:
    return written("many.jsonl", content)


def refused_line(content: bytes | str, *says: str) -> Damage:
    return refused(manifest(content), *says, command=BATCH)


def entry(**fields: object) -> str:
    return json.dumps({"inputs": ["raw.fits"], **fields}) + "\n"


MANIFESTS: dict[str, Damage] = {
    "manifest: no JSON": refused_line("{'inputs': 5}\n", "many.jsonl:1:", "error: "),
    "manifest: cut short": refused_line(entry()[:-4], "many.jsonl:1:", "error: "),
    "manifest: an unknown key": refused_line(entry(inptu=1), "many.jsonl:1:", "error: ", "inptu"),
    "manifest: a key twice": refused_line(
        '{"inputs": ["raw.fits"], "inputs": []}\n', "many.jsonl:1:", "error: ", "a second time"
    ),
    "manifest: NaN": refused_line(
        '{"inputs": ["raw.fits"], "parameters": {"a": NaN}}\n', "many.jsonl:1:", "error: ", "NaN"
    ),
    "manifest: an output above": refused_line(
        entry(output="../../x.fits"), "many.jsonl:1:", "error: ", "below the directory"
    ),
    "manifest: a NUL in a name": refused_line(
        entry(output="a\0b.fits"), "many.jsonl:1:", "error: "
    ),
    "manifest: lists 100,000 deep": refused_line("[" * 100_000 + "\n", "many.jsonl:1:", "error: "),
    "manifest: latin-1": refused_line(
        b'{"inputs": ["\xe9"]}\n', "many.jsonl:1:", "error: ", "UTF-8"
    ),
    "manifest: a line of 10 MB": refused_line(
        '{"inputs": ["' + "x" * 10_000_000 + '"]}\n', "many.jsonl:1", "error: ", "longer than"
    ),
    "manifest: an integer of 5,000 digits": refused_line(
        '{"inputs": ["raw.fits"], "parameters": {"a": ' + "9" * 5000 + "}}\n",
        "many.jsonl:1:",
        "error: ",
    ),
    "manifest: an input that is not there": refused_line(
        entry(inputs=["no.fits"]), "no.fits: error: cannot be read"
    ),
    "manifest: a link to itself": refused(
        lambda d: (d / "many.jsonl").symlink_to("many.jsonl"),
        "many.jsonl: error: cannot be read",
        command=BATCH,
    ),
    "manifest: a directory": refused(
        lambda d: (d / "many.jsonl").mkdir(), "error: ", command=BATCH
    ),
    "list: a NUL": refused(
        written("names", b"raw\0.fits\n"),
        "names:1: error: this is no name of a file",
        command="batch --list names -o out --jobs 1",
    ),
    "list: noise": refused(
        written("names", b"\xff\xfe\n\x1b[2J\n"),
        "error: ",
        command="batch --list names -o out --jobs 1",
    ),
}

MODULE = "convert in.fits -t m.py -o out.fits"
NO_MODULE = "m.py: error: this is no module that fitsgen compiled"


def kept(damage: Callable[[Path], object]) -> Make:
    """Fill a cache by a first run, and damage what it has."""

    def make(directory: Path) -> None:
        command = [sys.executable, "-m", "fitsgen", "convert", "in.fits", "-t", "t.gen.txt"]
        command += ["-o", "first.fits"]
        environment = {**os.environ, "FITSGEN_CACHE": str(directory / "kept")}
        subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)
        (directory / "first.fits").unlink()
        (entry,) = (directory / "kept").glob("*.pickle")
        damage(entry)

    return make


def unharmed_cache(damage: Callable[[Path], object]) -> Damage:
    return Damage(kept(damage), (), Outcome.UNHARMED, environment=(("FITSGEN_CACHE", "kept"),))


def module(change: Callable[[str], str | bytes]) -> Make:
    """Compile the good template, and change the module."""

    def make(directory: Path) -> None:
        text = module_text(checked(directory / "t.gen.txt"))
        written("m.py", change(text))(directory)

    return make


MODULES: dict[str, Damage] = {
    "module: cut short": refused(module(lambda t: t[: len(t) // 2]), NO_MODULE, command=MODULE),
    "module: cut at its end": refused(
        module(lambda t: t.rpartition("FILE")[0]), NO_MODULE, "no FILE", command=MODULE
    ),
    "module: another format": refused(
        module(lambda t: re.sub(r"format=\d+", "format=999", t)), NO_MODULE, command=MODULE
    ),
    "module: a syntax error": refused(
        module(lambda t: t + "\nFILE = (\n"), NO_MODULE, command=MODULE
    ),
    "module: no UTF-8": refused(
        module(lambda t: t.encode() + b"# \xe9"), NO_MODULE, command=MODULE
    ),
    "module: an exception": refused(
        module(lambda t: t + "\nraise RuntimeError('no')\n"), NO_MODULE, command=MODULE
    ),
    "module: a device": refused(
        lambda d: (d / "m.py").symlink_to("/dev/zero"), NO_MODULE, command=MODULE
    ),
    "module: a FIFO": refused(lambda d: os.mkfifo(d / "m.py"), NO_MODULE, command=MODULE),
    "module: a directory": refused(lambda d: (d / "m.py").mkdir(), NO_MODULE, command=MODULE),
    "cache: cut short": unharmed_cache(lambda p: p.write_bytes(p.read_bytes()[:500])),
    "cache: noise": unharmed_cache(lambda p: p.write_bytes(bytes(range(256)) * 9)),
    "cache: a pickle of something else": unharmed_cache(lambda p: p.write_bytes(pickle.dumps(5))),
    "cache: code that is none": unharmed_cache(
        lambda p: p.write_bytes(pickle.dumps(([], [], "", b"noise", {}, ())))
    ),
    "cache: a directory": unharmed_cache(lambda p: (p.unlink(), p.mkdir())),
    "cache: a class that is gone": unharmed_cache(
        lambda p: p.write_bytes(b"cfitsgen.nowhere\nThing\n.")
    ),
}

NAMED = "convert in.fits -t n.gen.txt -o ."
BAD_NAME = "n.gen.txt:3:12: error: FILENAME: "


def named(value: str, suffix: str = "") -> Make:
    """Give TARGET a value, and call the file so."""
    card = f"TARGET  = {value}".ljust(80).encode("latin-1")
    expression = f"input('TARGET'){suffix}"
    return all_of(
        written("n.gen.txt", f"<<file n>>\n<<header p>>\nFILENAME = {expression}\n"),
        changed("in.fits", lambda c: c.replace(c[320:400], card)),
    )


NAMES: dict[str, Damage] = {
    "name: ../../x": refused(named("'../../x'"), BAD_NAME, "'../../x' has '/'", command=NAMED),
    "name: /": refused(named("'/'"), BAD_NAME, command=NAMED),
    "name: ..": refused(named("'..'"), BAD_NAME, command=NAMED),
    "name: .hidden": refused(named("'.hidden.fits'"), BAD_NAME, command=NAMED),
    "name: -rf": refused(named("'-rf'"), BAD_NAME, command=NAMED),
    "name: a\\b": refused(named("'a\\b.fits'"), BAD_NAME, command=NAMED),
    "name: #ERROR": refused(named("'#ERROR'", "+ '.fits'"), BAD_NAME, command=NAMED),
    "name: T": refused(named("T"), BAD_NAME, "True", command=NAMED),
    "name: empty with a suffix": refused(named("''", "+ '.fits'"), BAD_NAME, command=NAMED),
    "name: undefined with a suffix": refused(
        named("", "+ '.fits'"), "n.gen.txt:3:12: error: p FILENAME: ", command=NAMED
    ),
    "name: a NUL": refused(named("'a\0b'"), "n.gen.txt:3:12: error: ", "0x00", command=NAMED),
    "name: 4,000 characters": refused(
        all_of(named("'x'", " * 4000")), BAD_NAME, "200 is the most", command=NAMED
    ),
    "name: of an input": refused(named("'in.fits'"), "in.fits: error: ", command=NAMED),
    "name: in a batch": refused(
        named("'../../x'"), "FILENAME: '../../x'", command="batch in.fits -t n.gen.txt -o out -j 1"
    ),
}

PROPOSE = "proposal . --jobs 1"
LEVELS = "Proposal Observation Visit VisitGroup ParallelSequenceID Activity Exposure".split()


def proposal(detector: str, head: str = "", levels: Sequence[str] = LEVELS) -> Make:
    opened = "\n".join(f"<{one}>" for one in levels)
    closed = "".join(f"</{one}>" for one in reversed(levels))
    return written("01234.prop", head + opened + "\n" + detector + "\n" + closed)


def refused_proposal(make: Make, *says: str) -> Damage:
    return refused(make, "error: ", *says, command=PROPOSE)


GOOD = '<Detector base="raw.fits" exp_type="NRS_IFU"/>'

PROPOSALS: dict[str, Damage] = {
    "proposal: cut short": refused_proposal(
        written("01234.prop", "<Proposal>\n<Observation>\n<Vis"), "01234.prop:3:"
    ),
    "proposal: noise": refused_proposal(written("01234.prop", bytes(range(256))), "01234.prop:"),
    "proposal: billion laughs": refused_proposal(
        proposal(GOOD, '<!DOCTYPE a [<!ENTITY b "lol">]>\n'), "01234.prop:", "DTD"
    ),
    "proposal: a base above": refused_proposal(
        proposal('<Detector base="../../etc/passwd" exp_type="NRS_IFU"/>'), "01234.prop:8"
    ),
    "proposal: a base that is not there": refused_proposal(
        proposal('<Detector base="no.fits" exp_type="NRS_IFU"/>'), "no.fits"
    ),
    "proposal: a base that links to itself": refused_proposal(
        all_of(
            lambda d: (d / "loop.fits").symlink_to("loop.fits"),
            proposal('<Detector base="loop.fits" exp_type="NRS_IFU"/>'),
        ),
        "loop.fits",
    ),
    "proposal: nested too deep": refused_proposal(
        proposal(GOOD, levels=["Proposal"] + ["a"] * 5000), "01234.prop:", "deep"
    ),
    "proposal: a raw file that is damaged": refused_proposal(
        all_of(proposal(GOOD), changed("raw.fits", lambda c: c[:4000])),
        "raw.fits: error: ",
        "cut short",
    ),
    "proposal: a data file in the place of a raw file": refused_proposal(
        all_of(proposal(GOOD), written("raw.fits", "<<file d>>\n")), "raw.fits"
    ),
}

TEXTS: dict[str, Damage] = {
    **DATA_FILES,
    **MANIFESTS,
    **MODULES,
    **NAMES,
    **PROPOSALS,
}
