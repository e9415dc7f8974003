"""Batches on a dask cluster: the same files and report, also where a worker is killed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from test_batch import FAULTS, Write, wait_until
from test_proposal import write_raw

import fitsgen
from fitsgen import cluster
from fitsgen.batch import Attempt, Outcome
from fitsgen.cli import main

COUNT = 20


@dataclass
class Dask:
    """A scheduler and its workers, each a process of its own."""

    directory: Path
    stack: ExitStack
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(json.loads((self.directory / "scheduler.json").read_text())["address"])

    def begin(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        log = self.stack.enter_context((self.directory / "log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *command, "--no-dashboard"],
            cwd=self.directory,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def hire(self, count: int, **environment: str) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
        command = ("worker", self.address, *options, "--local-directory", str(self.directory))
        self.workers += [self.begin(*command, **environment) for _ in range(count)]

    def wait(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=30)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    directory = tmp_path / "dask"
    directory.mkdir()
    with ExitStack() as stack:
        dask = Dask(directory, stack)
        options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", "scheduler.json")
        dask.scheduler = dask.begin("scheduler", *options)
        told = directory / "scheduler.json"
        wait_until(lambda: told.exists() and told.stat().st_size > 0)
        yield dask


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a directory with raw files, of which one is none."""
    raw = tmp_path / "raw"
    raw.mkdir()
    write_raw(raw / "00.fits")
    for number in range(1, COUNT):
        shutil.copy(raw / "00.fits", raw / f"{number:02}.fits")
    (raw / "07.fits").write_text("nonsense")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(output: str, *options: str) -> subprocess.Popen[str]:
    verb = ("batch", "raw", "-o", output, "--report", f"{output}.jsonl", *options)
    command = [sys.executable, "-m", "fitsgen", *verb]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def files(output: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(output).glob("*.fits"))}


def report(output: str) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in Path(f"{output}.jsonl").read_text().splitlines()]
    for row in rows:
        assert row.pop("seconds") >= 0
        row["name"] = row["name"].removeprefix(f"{output}/")
    return rows


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_killed_worker_changes_nothing(dask: Dask) -> None:
    dask.hire(3)
    dask.wait(3)
    with begin("dasked", "--scheduler", dask.address) as process:
        wait_until(lambda: len(files("dasked")) > 2)
        # It holds jobs that are not done, and takes them with it.
        dask.workers[0].send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        assert process.poll() is None
        dask.workers[0].kill()
        table, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.count("error:") == 1
    for jobs in ("1", "2"):
        with begin(f"here{jobs}", "--jobs", jobs) as process:
            assert process.communicate()[0] == table.replace("dasked", f"here{jobs}")
        assert files(f"here{jobs}") == files("dasked")
        assert report(f"here{jobs}") == report("dasked")
    assert len(files("dasked")) == COUNT - 1


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_a_lost_scheduler_is_told_and_the_rest_is_made_later(dask: Dask) -> None:
    dask.hire(1)
    dask.wait(1)
    with begin("out", "--scheduler", dask.address) as process:
        wait_until(lambda: process.poll() is not None or len(files("out")) > 2)
        assert process.poll() is None, process.communicate()
        dask.workers[0].send_signal(signal.SIGSTOP)
        assert dask.scheduler
        dask.scheduler.kill()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error: the scheduler was lost\n" in errors
    assert "Traceback" not in errors
    dask.workers[0].kill()
    with begin("out", "--jobs", "1") as process:
        process.communicate()
    outcomes = [row["outcome"] for row in report("out")]
    assert outcomes.count("failed") == 1
    assert outcomes.count("made") > 0
    assert outcomes.count("skipped") > 0
    assert len(files("out")) == COUNT - 1


OTHERS = {
    # what a worker has for fitsgen: what is told
    "__version__ = '9.9'": "has fitsgen 9.9",
    "raise ModuleNotFoundError('No module named fitsgen')": "has no fitsgen: No module named",
}


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_workers_that_have_another_fitsgen_are_told(dask: Dask) -> None:
    for number, text in enumerate(OTHERS):
        other = dask.directory / f"other{number}"
        other.mkdir()
        (other / "fitsgen.py").write_text(text)
        dask.hire(1, PYTHONPATH=str(other))
    dask.wait(2)
    with begin("out", "--scheduler", dask.address) as process:
        table, errors = process.communicate(timeout=60)
    assert (process.returncode, table) == (1, "")
    assert all(f"{told}" in errors for told in OTHERS.values()), errors
    assert (
        f"hint: every worker needs the fitsgen that this command has, {fitsgen.__version__}"
        in errors
    )
    assert "Traceback" not in errors
    assert not Path("out").exists()


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where somebody listens who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_where_no_scheduler_answers_that_is_told_soon(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT", 0.5)
    for address in (silent, "tcp://127.0.0.1:1", "nonsense", "what://ever:1"):
        start = time.monotonic()
        result = CliRunner().invoke(main, ["batch", "raw", "-o", "out", "--scheduler", address])
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"error: {address}: no dask scheduler answers there: ")
        assert time.monotonic() - start < 10


@pytest.mark.usefixtures("here")
def test_without_dask_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = CliRunner().invoke(main, ["batch", "raw", "--scheduler", "tcp://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "pip install 'fitsgen[dask]'" in result.stderr


@dataclass(frozen=True)
class Elsewhere(Write):
    """Needs a file that is not there."""

    @property
    def paths(self) -> tuple[Path, ...]:  # type: ignore[override]
        return (self.output.parent, Path("/nowhere/raw.fits"))


def work(job: object, version: str = fitsgen.__version__, epoch: str | None = None) -> Attempt:
    call = pickle.dumps(cluster._Call(version, epoch, pickle.dumps(job)))
    attempt = pickle.loads(pickle.loads(call))
    assert isinstance(attempt, Attempt)
    return attempt


def test_what_a_worker_answers(tmp_path: Path) -> None:
    job = Write(tmp_path / "job")
    assert work(job).outcome is Outcome.MADE
    (problem,) = work(job, "9.9").ran.problems
    assert problem.message == f"its worker has fitsgen {fitsgen.__version__}; the command has 9.9"
    (problem,) = work(Elsewhere(tmp_path / "job")).ran.problems
    assert problem.message.startswith("/nowhere/raw.fits: its worker, ")
    assert "does not see it" in problem.message
    for fault, message in FAULTS.items():
        (problem,) = work(Write(tmp_path / fault, fault)).ran.problems
        assert problem.message.startswith(message)


def test_the_date_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(cluster, "attempt", lambda _: seen.append(os.environ.get(cluster.EPOCH)))
    monkeypatch.setenv(cluster.EPOCH, "1")
    for epoch in ("5", None):
        cluster.work(fitsgen.__version__, epoch, pickle.dumps(Write(Path("x"))))
    assert seen == ["5", None]
    assert os.environ[cluster.EPOCH] == "1"


def test_a_job_that_kills_its_workers_fails_alone(tmp_path: Path) -> None:
    from distributed import KilledWorker

    job = Write(tmp_path / "job")
    for error, message in (
        (KilledWorker("x", None, 3), "job: its process was killed, more than once"),
        (
            ImportError("No module named 'fitsgen'"),
            "job: its worker has no fitsgen, or another one",
        ),
    ):
        future = SimpleNamespace(status="error", exception=lambda error=error: error)
        (problem,) = cluster._unanswered(job, future).ran.problems
        assert problem.message.startswith(message)
    lost = SimpleNamespace(status="cancelled")
    (problem,) = cluster._unanswered(job, lost).ran.problems
    assert problem.message == "job: it was cancelled on the cluster"
