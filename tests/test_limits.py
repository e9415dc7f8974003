"""Limits on memory and time: what is over them is one plain error, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_batch import is_alive, wait_until
from test_policy import ONLY_WHEN_RUN

from fitsgen import compile_template, library, limits
from fitsgen.cli import main
from fitsgen.limits import Limits

TEMPLATES = {
    "slow": "A = sum(i for i in range(param('n')))",
    "large": "A = 1\n<<data>>\nnp.arange(param('n'))",
    "small": "A = 1 / a card",
    "wrong": "A = open('x')",
}
MANY = "n=10000000000"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str
    seconds: float


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a directory with templates, and files that none of them reads."""
    for name, text in TEMPLATES.items():
        write_template(tmp_path, name, text)
    (tmp_path / "none.dat").write_text("<<file none>>\n")
    (tmp_path / "none.fits").write_bytes(header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def header(*cards: str) -> bytes:
    return "".join(card.ljust(80) for card in (*cards, "END")).ljust(2880).encode()


def write_template(directory: Path, name: str, text: str) -> None:
    (directory / f"{name}.gen.txt").write_text(f"<<file {name}>>\n<<header primary>>\n{text}\n")


def run(*command: str) -> Ran:
    start = time.monotonic()
    program = [sys.executable, "-m", "fitsgen", *command]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def convert(name: str, *options: str) -> Ran:
    return run("convert", "none.dat", "-t", f"{name}.gen.txt", "-o", "out.fits", *options)


def left() -> list[str]:
    """Give what there is besides what the tests wrote."""
    known = ("none.dat", "none.fits", *(f"{name}.gen.txt" for name in TEMPLATES))
    return sorted(set(os.listdir()) - set(known))


@pytest.mark.usefixtures("here")
def test_a_conversion_that_takes_too_long_is_ended() -> None:
    ran = convert("slow", "--set", MANY, "--limit-time", "1")
    assert (ran.status, ran.err) == (1, "error: took longer than 1 s (--limit-time)\n")
    assert ran.out == ""
    assert 1 <= ran.seconds < 3
    assert left() == []


@pytest.mark.usefixtures("here")
def test_an_expression_that_takes_too_much_memory_is_told_with_its_place() -> None:
    ran = convert("large", "--set", MANY, "--limit-memory", "512M")
    lines = ran.err.splitlines()
    assert lines[0].startswith("large.gen.txt:5:1: error: primary data: there is not enough memory")
    assert lines[1] == "    5 | np.arange(param('n'))"
    assert (ran.status, ran.out, lines[-1], left()) == (1, "", "1 error", [])
    # So much is there, and the limit is not lower than it says.
    ran = convert("large", "--set", "n=10000000", "--limit-memory", "256M")
    assert (ran.status, ran.out) == (0, "wrote out.fits\n")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("expression", sorted(ONLY_WHEN_RUN), ids=lambda text: text[:30])
def test_what_is_too_much_only_when_it_runs_is_a_plain_error(expression: str) -> None:
    """Or it is done; a value that is no number or text is an error, too."""
    write_template(Path(), "hostile", f"A = 1\n<<data>>\n{expression}")
    ran = convert("hostile", "--limit-memory", "512M", "--limit-time", "2")
    assert ran.status == 1
    assert "error: " in ran.err
    assert "Traceback" not in ran.err
    assert ran.seconds < 5, "of which two are the limit and the rest is this machine's"
    Path("hostile.gen.txt").unlink()
    assert left() == []


@pytest.mark.usefixtures("here")
def test_a_large_input_does_not_count_as_memory() -> None:
    """Of 6 GiB a small part is read; with RLIMIT_AS and a map it could not even be opened."""
    cards = ("BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 65536", "NAXIS2  = 49152")
    size = 2880 + -(-(65536 * 49152 * 2) // 2880) * 2880
    Path("large.fits").write_bytes(header("SIMPLE  = T", *cards))
    os.truncate("large.fits", size)
    write_template(Path(), "cut", "A = input('NAXIS2')\n<<data>>\ninput[0].data[40000:40002, :5]")
    options = ("--limit-memory", "256M", "--limit-time", "10")
    ran = run("convert", "large.fits", "-t", "cut.gen.txt", "-o", "out.fits", *options)
    assert (ran.status, ran.out, ran.err) == (0, "wrote out.fits\n", "")
    assert Path("out.fits").stat().st_size == 2 * 2880


SAME = {
    # command: its status
    "check wrong.gen.txt": 1,
    "check wrong.gen.txt --format json": 1,
    "compile small.gen.txt -o small.py": 0,
    "show small.gen.txt": 0,
    "describe small.gen.txt": 0,
    "verify none.dat -t small.gen.txt": 1,
    "convert none.dat -t small.gen.txt -o small.fits --overwrite": 0,
    "convert missing.fits -t small.gen.txt": 1,
    "convert none.dat -t small.gen.txt --set wrong": 2,
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", SAME)
def test_under_limits_all_is_as_ever(command: str) -> None:
    free = run(*command.split())
    limited = run(*command.split(), "--limit-memory", "1G", "--limit-time", "30")
    assert (free.status, free.out, free.err) == (limited.status, limited.out, limited.err)
    assert free.status == SAME[command]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("here")
def test_signals_reach_the_child(number: signal.Signals) -> None:
    process, child = begin()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (128 + number, "", "stopped\n")
    assert not is_alive(child)
    assert left() == []


@pytest.mark.usefixtures("here")
def test_the_child_ends_with_its_parent() -> None:
    process, child = begin()
    process.kill()
    process.communicate(timeout=20)
    wait_until(lambda: not is_alive(child), 10)


def begin() -> tuple[subprocess.Popen[str], int]:
    """Begin what takes long; give the process, and the number of its child once that works."""
    command = ("convert", "none.dat", "-t", "slow.gen.txt", "--set", MANY, "--limit-time", "50")
    program = [sys.executable, "-m", "fitsgen", *command]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(children.read_text)
    child = int(children.read_text())
    wait_until(lambda: works(child) or process.poll() is not None)
    return process, child


def works(process: int) -> bool:
    """Whether a process has used more time than it takes to begin."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / os.sysconf("SC_CLK_TCK") > 1
    return True


def test_without_limits_nothing_forks(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    command = ["convert", "none.dat", "-t", "small.gen.txt", "-o", "out.fits"]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert (here / "out.fits").exists()


@pytest.mark.usefixtures("here")
def test_too_little_memory_is_no_traceback_without_limits_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(*_: object) -> Path:
        raise MemoryError

    monkeypatch.setattr(library, "find", find)
    result = CliRunner().invoke(main, ["check", "small.gen.txt"])
    assert (result.exit_code, result.stderr) == (1, "error: there is not enough memory\n")


WRONG: dict[tuple[str, ...], str] = {
    ("--limit-memory", "1M"): "'1M' is no size such as 512M or 2G, of at least 128 MiB",
    ("--limit-memory", "much"): "'much' is no size",
    ("--limit-memory", "nan"): "'nan' is no size",
    ("--limit-memory", "1e30T"): "'1e30T' is no size",
    ("--limit-time", "0"): "Invalid value for '--limit-time'",
    ("--limit-time", "nan"): "nan is no time that may pass",
    ("--limit-time", "inf"): "inf is no time that may pass",
    ("--limit-time", "long"): "Invalid value for '--limit-time'",
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_wrong_limits_are_told(options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["check", "x", *options])
    assert (result.exit_code, WRONG[options] in result.stderr) == (2, True), result.stderr


def test_where_the_system_has_no_limits_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARE_SUPPORTED", False)
    result = CliRunner().invoke(main, ["check", "x", "--limit-time", "3"])
    assert (result.exit_code, "only Linux has such limits" in result.stderr) == (2, True)


ENDS = {
    # what is done: how it ends
    "pass": (0, ""),
    "sys.exit(3)": (3, ""),
    "sys.exit()": (0, ""),
    "sys.exit('no')": (1, ""),
    "1 / 0": (1, ""),
    "bytes(10**10)": (1, "needs more than 512 MiB (--limit-memory)"),
    "raise OSError(12, 'Cannot allocate memory')": (1, "needs more than 512 MiB (--limit-memory)"),
    "raise ImportError('x.so: failed to map segment from shared object')": (
        *(1, "needs more than 512 MiB (--limit-memory)"),
    ),
    "raise SystemError('<method> returned NULL without setting an exception')": (
        *(1, "needs more than 512 MiB (--limit-memory)"),
    ),
    "time.sleep(30)": (1, "took longer than 0.5 s (--limit-time)"),
    "signal.pthread_sigmask(signal.SIG_BLOCK, {15}); time.sleep(30)": (
        *(1, "took longer than 0.5 s (--limit-time)"),
    ),
    "os.kill(os.getpid(), signal.SIGXCPU)": (1, "took longer than 0.5 s (--limit-time)"),
    "os.kill(os.getpid(), signal.SIGSEGV)": (1, "its process was ended by SIGSEGV"),
    "os.kill(os.getpid(), signal.SIGKILL)": (
        *(1, "its process was ended by SIGKILL; is there too little memory?"),
    ),
    "os.kill(os.getpid(), signal.SIGTERM)": (143, ""),
    "os.kill(os.getpid(), 40)": (1, "its process was ended by signal 40"),
    # A signal for the one who waits is passed on, and changes nothing where it is ignored.
    "signal.signal(15, signal.SIG_IGN); os.kill(os.getppid(), 15); time.sleep(0.1); sys.exit(7)": (
        *(7, ""),
    ),
}


def test_how_a_child_ends() -> None:
    code = "import os, signal, sys, time\nfrom fitsgen.limits import Limits, contained\n"
    code += f"limits = Limits(2**29, 0.5)\nfor text in {list(ENDS)!r}:\n"
    code += "    ended = contained(lambda: exec(text), limits)\n    print(repr(ended))\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [repr(limits.Ended(*one)) for one in ENDS.values()]
    assert done.stderr.count("Traceback") == 1
    assert "ZeroDivisionError" in done.stderr


def test_what_was_printed_before_is_printed_once() -> None:
    code = "from fitsgen.limits import *\nprint('before')\n"
    code += "contained(lambda: print('in'), Limits())\nprint('after')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "before\nin\nafter\n"


SIZES = {
    "512M": (2**29, "512 MiB"),
    "2G": (2**31, "2 GiB"),
    "1.5GiB": (3 * 2**29, "1.5 GiB"),
    "2gb": (2**31, "2 GiB"),
    "134217728": (2**27, "128 MiB"),
    "1000000000": (10**9, "953.7 MiB"),
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes(text: str) -> None:
    size = limits.parsed_size(text)
    assert (size, limits.shown_size(size)) == SIZES[text]


def test_the_memory_of_a_group_counts_where_it_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "memory.max").write_text("1000\n")
    (tmp_path / "a" / "b" / "memory.max").write_text("max\n")
    assert limits._limits_above(str(tmp_path), "/a/b", "memory.max") == [1000]
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 2**20 < limits.machine_memory() <= physical
    monkeypatch.setattr(limits, "_group_limits", lambda: [1000])
    assert limits.machine_memory() == 1000


def write_batch(directory: Path, parameters: Sequence[int]) -> None:
    lines = (
        f'{{"inputs": ["none.fits"], "output": "{n}.fits", "parameters": {{"n": {size}}}}}\n'
        for n, size in enumerate(parameters)
    )
    (directory / "many.jsonl").write_text("".join(lines))


TOO_MUCH = {
    # template and options: what is told
    ("slow", "--jobs", "2", "--limit-time", "2"): "1.fits: took longer than 2 s (--limit-time)",
    ("large", "--jobs", "1", "--limit-memory", "512M"): "data: there is not enough memory",
}


@pytest.mark.parametrize("how", TOO_MUCH, ids=" ".join)
def test_of_a_batch_only_what_is_over_the_limits_fails(how: tuple[str, ...], here: Path) -> None:
    write_batch(here, [10, 10**10, 20])
    name, *options = how
    compile_template(here / f"{name}.gen.txt")  # It is cached: this would take most of the time.
    ran = run("batch", "many.jsonl", "-t", f"{name}.gen.txt", "-o", "made", *options)
    rows = sorted(line.split()[::-1] for line in ran.out.splitlines()[:3])
    assert rows == [["made/0.fits", "made"], ["made/1.fits", "failed"], ["made/2.fits", "made"]]
    assert TOO_MUCH[how] in ran.err
    assert (ran.status, "Traceback" in ran.err) == (1, False)
    assert sorted(os.listdir("made")) == ["0.fits", "2.fits", "fitsgen.made"]


NAMES = {
    # FILENAME and options: what is told
    ("str(sum(i for i in range(param('n'))))", "--limit-time", "2"): (
        "error: the making of its name: took longer than 2 s (--limit-time)\n"
    ),
    ("str(sum([1] * param('n')))", "--limit-memory", "300M"): "there is not enough memory",
}


@pytest.mark.parametrize("how", NAMES, ids=" ".join)
def test_a_name_that_a_template_makes_is_under_limits_too(how: tuple[str, ...], here: Path) -> None:
    """It is made before the file is, to know whether that is there."""
    write_batch(here, [10, 10**10, 20])
    text = (here / "many.jsonl").read_text()
    (here / "many.jsonl").write_text(re.sub(r'"output": "\d.fits", ', "", text))
    expression, *options = how
    write_template(here, "named", f"FILENAME = {expression}")
    compile_template(here / "named.gen.txt")
    ran = run("batch", "many.jsonl", "-t", "named.gen.txt", "-o", "made", *options)
    assert (ran.status, "Traceback" in ran.err) == (1, False)
    assert NAMES[how] in ran.err
    assert [line.split()[0] for line in ran.out.splitlines()[:3]] == ["made", "failed", "made"]


@pytest.mark.usefixtures("here")
def test_limits_are_not_for_the_workers_of_a_cluster() -> None:
    command = ["batch", "none.dat", "-t", "small.gen.txt", "--scheduler", "x", "--limit-time", "9"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "workers of a --scheduler have their own limits" in result.stderr


def test_limits_are_false_where_there_are_none() -> None:
    assert not Limits()
    assert Limits(memory=1)
    assert Limits(seconds=1.0)
