"""Manifests, lists, directories and globs: what is read, and what is wrong where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitsgen.diagnostics import InputError
from fitsgen.jwst.view import Frame
from fitsgen.listing import Scratch, listing
from fitsgen.manifest import MAX_LINE, Entry, Wrong, read_manifest


def read(tmp_path: Path, text: str | bytes) -> list[Entry | Wrong]:
    path = tmp_path / "many.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_manifest(path))


def test_an_entry_says_what_is_wanted(tmp_path: Path) -> None:
    line = {
        "inputs": ["raw/a.fits", "dark=/d/dark.fits", "input=b.fits"],
        "template": "nirspec_level1b",
        "parameters": {"number": 3, "names": ["a", "b"]},
        "output": "made/a.fits",
        "frame": "dms",
        "subarray": "SUB64",
    }
    (entry,) = read(tmp_path, json.dumps(line) + "\n")
    assert isinstance(entry, Entry)
    assert entry.inputs == (
        ("", tmp_path / "raw/a.fits"),
        ("dark", Path("/d/dark.fits")),
        ("", tmp_path / "b.fits"),
    )
    assert (entry.shown, entry.template) == ("raw/a.fits", "nirspec_level1b")
    assert entry.parameters == line["parameters"]
    assert (entry.output, entry.frame) == (Path("made/a.fits"), Frame.DMS)
    assert entry.subarray == "SUB64"
    assert str(entry.position) == f"{tmp_path}/many.jsonl:1"


def test_only_inputs_are_needed_and_blank_lines_count(tmp_path: Path) -> None:
    first, second = read(tmp_path, '\ufeff{"inputs":["a"]}\r\n  \n\n {"inputs" : ["b"] } ')
    assert (first.shown, second.shown) == ("a", "b")
    assert str(second.position).endswith(":4")


def test_a_template_beside_the_manifest_is_found(tmp_path: Path) -> None:
    (tmp_path / "own.gen.txt").touch()
    texts = [json.dumps({"inputs": ["a"], "template": one}) for one in ("own.gen.txt", "x/y", "z")]
    found = [entry.template for entry in read(tmp_path, "\n".join(texts))]  # type: ignore[union-attr]
    assert found == [str(tmp_path / "own.gen.txt"), str(tmp_path / "x/y"), "z"]


WRONG = {
    # a line: the column, and what is told
    '{"inputs": ["a"], "outptu": "b"}': (19, "unknown key 'outptu'"),
    '{"inputs": ["a"], "inputs": ["b"]}': (19, "inputs is there a second time"),
    '{"output": "b"}': (1, "the entry has no inputs"),
    "  {}": (3, "the entry has no inputs"),
    '["a"]': (1, "expected an object: {"),
    "nonsense": (1, "expected an object: {"),
    '{"inputs": []}': (12, "expected a list of paths, found []"),
    '{"inputs": "a.fits"}': (12, 'expected a list of paths, found "a.fits"'),
    '{"inputs": ["a", 3]}': (12, "expected a text, found 3"),
    '{"inputs": [""]}': (12, 'expected a text, found ""'),
    '{"inputs": ["a\\u0000"]}': (12, "expected a text"),
    '{"inputs": ["\\ud800"]}': (12, "expected a text"),
    '{"inputs": ["a"], "frame": "sky"}': (28, 'expected detector or dms, found "sky"'),
    '{"inputs": ["a"], "frame": ["dms"]}': (28, "expected detector or dms"),
    '{"inputs": ["a"], "output": ".."}': (29, "expected the name of a file"),
    '{"inputs": ["a"], "output": "../b"}': (29, "expected a path below the directory of -o"),
    '{"inputs": ["a"], "output": "/b"}': (29, "expected a path below the directory of -o"),
    '{"inputs": ["a"], "template": 5}': (31, "expected a text, found 5"),
    '{"inputs": ["a"], "parameters": [1]}': (33, "expected an object, found [1]"),
    '{"inputs": ["a"], "parameters": {"a b": 1}}': (
        33,
        'expected names of parameters, found "a b"',
    ),
    '{"inputs": ["a"], "parameters": {"a": NaN}}': (
        33,
        "this value cannot be used: NaN is no JSON number",
    ),
    '{"inputs": ["a"], "parameters": {"a": 1, "a": 2}}': (
        33,
        "this value cannot be used: a key is there twice",
    ),
    '{"inputs": ["a"] "output": "b"}': (18, "expected , or }"),
    '{"inputs": ["a"], }': (19, "expected a key in double quotes"),
    '{"inputs" ["a"]}': (11, "expected :"),
    '{"inputs": ["a"]} {"inputs": ["b"]}': (19, "expected one object a line"),
    '{"inputs": ["a"': (16, "this is no JSON: Expecting ',' delimiter"),
    '{"inputs": ["a"]': (17, "expected , or }"),
    "{inputs: 3}": (2, "expected a key in double quotes"),
    '{"inputs": ' + "[" * 100_000: (12, "this value cannot be used: too deep"),
    '{"inputs": ["a"], "parameters": {"a": ' + "9" * 5000 + "}}": (33, "this value cannot be used"),
}


@pytest.mark.parametrize("line", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_with_line_and_column(line: str, tmp_path: Path) -> None:
    fine = '{"inputs": ["fine"]}'
    before, wrong, after = read(tmp_path, f"{fine}\n{line}\n{fine}\n")
    assert isinstance(wrong, Wrong)
    column, message = WRONG[line]
    (problem,) = wrong.problems
    assert problem.message.startswith(message)
    assert str(problem.position) == f"{tmp_path}/many.jsonl:2:{column}"
    # What is wrong with one line stops no other.
    assert isinstance(before, Entry)
    assert isinstance(after, Entry)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (wrong,) = read(tmp_path, '{"inputs": ["ä'.encode() + b'\xff"]}')
    assert isinstance(wrong, Wrong)
    assert str(wrong.problems[0].position).endswith(":1:15")


def test_a_line_without_end_is_not_held(tmp_path: Path) -> None:
    long, fine = read(tmp_path, b'{"' + b"x" * (3 * MAX_LINE) + b'\n{"inputs": ["a"]}')
    assert isinstance(long, Wrong)
    assert "longer than" in long.problems[0].message
    assert isinstance(fine, Entry)
    assert str(fine.position).endswith(":2")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: b'{"inputs": ' + text.encode())
)
def test_whatever_a_line_holds_it_is_an_entry_or_wrong(tmp_path_factory, line: bytes) -> None:  # type: ignore[no-untyped-def]
    line = line.replace(b"\n", b"").replace(b"\r", b"")
    found = read(tmp_path_factory.getbasetemp(), line + b'\n{"inputs": ["last"]}')
    assert found[-1].shown == "last"
    assert len(found) <= 2
    for one in found[:-1]:
        assert isinstance(one, Entry) or (one.problems[0].position or one).line == 1  # type: ignore[union-attr]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), values), st.booleans())
def test_parameters_are_those_of_json(tmp_path_factory, parameters, spaced: bool) -> None:  # type: ignore[no-untyped-def]
    separators = (" , ", "\t: ") if spaced else (",", ":")
    line = json.dumps({"parameters": parameters, "inputs": ["a"]}, separators=separators)
    (entry,) = read(tmp_path_factory.getbasetemp(), line)
    assert isinstance(entry, Entry), entry
    assert entry.parameters == parameters


@pytest.fixture
def raw_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.fits", "a.fits", "c.fits.gz", "notes.txt", "night/z.fits", "=odd=.fits"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    os.symlink("nowhere", "broken.fits")
    return tmp_path


def shown(what: list[str], lists: list[Path] | None = None) -> tuple[list[str], int | None]:
    with Scratch() as scratch:
        found = listing(what, lists or [], scratch)
        return [entry.shown for entry in found.entries], found.count


@pytest.mark.usefixtures("raw_files")
def test_directories_and_globs_are_in_order() -> None:
    assert shown(["."]) == (["./=odd=.fits", "./a.fits", "./b.fits", "./c.fits.gz"], 4)
    assert shown(["?.fits", "night", "b.fits"]) == (
        ["a.fits", "b.fits", "night/z.fits", "b.fits"],
        4,
    )
    assert shown(["**/*.fits"])[1] == 4


@pytest.mark.usefixtures("raw_files")
def test_a_file_with_a_sign_of_globs_in_its_name_is_that_file() -> None:
    Path("[a].fits").touch()
    assert shown(["[a].fits"]) == (["[a].fits"], 1)


@pytest.mark.usefixtures("raw_files")
def test_an_equals_sign_in_a_name_gives_no_source() -> None:
    with Scratch() as scratch:
        (entry,) = listing(["x=a.fits"], [], scratch).entries
    assert isinstance(entry, Entry)
    assert entry.inputs == (("", Path("x=a.fits").absolute()),)


@pytest.mark.usefixtures("raw_files")
def test_what_is_ours_is_no_raw_file_unless_it_is_named() -> None:
    def is_ours(path: Path) -> bool:
        return path.name == "a.fits"

    with Scratch() as scratch:
        found = [
            one.shown for one in listing([".", "?.fits", "a.fits"], [], scratch, is_ours).entries
        ]
    assert found == ["./=odd=.fits", "./b.fits", "./c.fits.gz", "b.fits", "a.fits"]


@pytest.mark.usefixtures("raw_files")
def test_a_list_has_a_name_on_each_line() -> None:
    Path("names").write_bytes(b"b.fits\r\n\n  a.fits\nx\0y\n\xff.fits")
    found, count = shown([], [Path("names")])
    assert found == ["b.fits", "  a.fits", "names:4", os.fsdecode(b"\xff.fits")]
    assert count is None


@pytest.mark.usefixtures("raw_files")
@pytest.mark.parametrize("what", ["*.fit", "empty"])
def test_nothing_found_is_an_error(what: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"no such files|no files"):
        shown([what])


@pytest.mark.usefixtures("raw_files")
def test_a_missing_manifest_is_one_failure_among_others() -> None:
    assert shown(["a.fits", "none.jsonl", "b.fits"])[0] == ["a.fits", "none.jsonl", "b.fits"]


def test_claims_are_for_the_first_who_asks(tmp_path: Path) -> None:
    with Scratch() as scratch:
        claims = scratch.claims()
        assert claims.take(tmp_path / "a", "one") is None
        assert claims.take(tmp_path / "b", "two") is None
        assert claims.take(tmp_path / "a", "three") == "one"
