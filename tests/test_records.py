"""The file of records: what is kept when a process is killed, and what is refused."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fitsgen.diagnostics import OutputError
from fitsgen.records import BEGUN, MAX_OPEN, Known, Ledger, Record, Records, Stamp

STAMP = Stamp(3, 1, "ab")
RECORD = Record("1.0", "r", "t", {"a.fits": STAMP}, STAMP)


def known(path: Path, *names: str) -> list[Known]:
    with closing(Records(path)) as records:
        return [records.get(name) for name in names]


def begin(path: Path, *names: str) -> None:
    with closing(Records(path)) as records:
        for name in names:
            records.begin(name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fitsgen.made"


def test_a_name_is_begun_and_made_and_known_again(path: Path) -> None:
    records = Records(path)
    assert records.get("a") is None
    assert not path.exists()
    records.begin("a")
    assert records.get("a") is BEGUN
    records.add("a", RECORD)
    records.begin("b")
    records.begin("c")
    records.forget("c")
    records.close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert known(path, *"abc") == [RECORD, BEGUN, None]


def test_a_name_may_be_any_name_of_a_file(path: Path) -> None:
    name = os.fsdecode(b"\xff\xe9 '\"; --.fits")
    begin(path, name)
    assert known(path, name) == [BEGUN]


def test_a_file_without_records_is_removed(path: Path) -> None:
    records = Records(path)
    records.begin("a")
    records.forget("a")
    records.close()
    assert list(path.parent.iterdir()) == []


def test_what_was_recorded_survives_a_kill(path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from test_records import RECORD
from fitsgen.records import Records
records = Records(Path({str(path)!r}))
records.add("made", RECORD)
records.begin("begun")
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert known(path, "made", "begun", "x") == [RECORD, BEGUN, None]


def test_a_torn_log_loses_only_its_last_lines(path: Path) -> None:
    with closing(Records(path)) as records:
        records.add("made", RECORD)
        records.begin("late")
        torn = path.with_name("torn.made")
        torn.write_bytes(path.read_bytes())
        log = path.with_name(path.name + "-wal").read_bytes()
        torn.with_name(torn.name + "-wal").write_bytes(log[:-1000])
    assert known(torn, "made", "late") == [RECORD, None]


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE files (name TEXT)")
    database.close()


def with_trigger(path: Path) -> None:
    begin(path, "a")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END")
    database.close()


def damaged(path: Path) -> None:
    begin(path, *map(str, range(2000)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40000)


HOSTILE = {
    other_database: "it is a database of something else",
    with_trigger: "it is a database of something else",
    damaged: "database disk image is malformed",
    lambda path: path.write_text('{"begun": "a"}\n' * 100): "it is no file of records",
    lambda path: path.symlink_to("elsewhere"): "is a symbolic link",
    lambda path: path.mkdir(): "is no regular file",
    lambda path: os.mkfifo(path): "is no regular file",
}


@pytest.mark.parametrize("make", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_refused_in_plain_words(make, path: Path) -> None:  # type: ignore[no-untyped-def]
    make(path)
    before = sorted(path.parent.iterdir())
    for act in (lambda records: records.get("1500"), lambda records: records.begin("1500")):
        with closing(Records(path)) as records, pytest.raises(OutputError) as error:
            act(records)
        assert HOSTILE[make] in str(error.value)
        assert str(error.value).startswith(f"{path}: error: the record of what was made cannot")
    assert sorted(path.parent.iterdir()) == before


STRANGE = ["", "nonsense", "[]", "{}", "[" * 100_000, '{"version": "1", "recipe": "", "inputs": 3}']


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_a_strange_record_counts_as_begun(text: str, path: Path) -> None:
    begin(path, "a")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE files SET record = ?", (text,))
    database.close()
    assert known(path, "a") == [BEGUN]


def test_another_process_is_refused_meanwhile(path: Path) -> None:
    with closing(Records(path)) as records:
        records.begin("a")
        with pytest.raises(OutputError, match="another fitsgen is at work here"):
            known(path, "a")
    assert known(path, "a") == [BEGUN]


def test_few_of_many_files_are_open(tmp_path: Path) -> None:
    ledger = Ledger()
    paths = [tmp_path / f"{number}.made" for number in range(3 * MAX_OPEN)]
    for path in paths:
        ledger.of(path).begin("a")
    for path in paths:
        assert ledger.of(path).get("a") is BEGUN
    names = map(read_link, os.listdir("/proc/self/fd"))
    held = [name for name in names if name.startswith(str(tmp_path))]
    assert len(held) <= 2 * MAX_OPEN
    assert ledger.close() == []
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def read_link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return ""
