"""Every example of the documentation, run as it stands.

In: README.md, CONTRIBUTING.md and docs/*.md. The blocks of a page run from top
to bottom in one directory, empty at first; what a block begins with says what it is:

    ```fitsgen title="a.gen.txt"      a file to write, whatever its language
    ```console                        each line after `$ ` is run; its output follows, in which
                                      `...` stands for any text, alone on a line for any lines
    ```console not-run                commands that are not run: all must be among NOT_RUN
    ```python                         is run as a doctest where it has `>>> `
    ```text names=NUMPY_FUNCTIONS     a list of `fitsgen.check.policy`, in full

`python tests/test_docs.py PAGE...` writes the pages anew with the outputs of today.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fitsgen.check import policy

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]

# They install, need the network, or run for minutes.
NOT_RUN = (
    *("git clone ", "cd ", "python3 -m venv ", ". .venv/", "pip install "),
    *("make test", "make lint", "make bench", "make clean", "python -m pytest", "python -m bench"),
)

BLOCK = re.compile(r"^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


@dataclass
class Shell:
    """What the examples of one page run in."""

    directory: Path
    status: int = 0
    names: dict[str, object] = field(default_factory=dict)

    def run(self, command: str) -> list[str]:
        """Run a command; give what it prints, standard error included."""
        bin_ = self.directory.parent / "bin"
        cache = self.directory.parent / "cache"
        environment = os.environ | {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "FITSGEN_CACHE": str(cache),
            "COLUMNS": "80",
        }
        # The tests may be run by make; a page's own make must not know.
        environment = {k: v for k, v in environment.items() if not k.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.status}); {command}"],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.status = done.returncode
        return [line.rstrip() for line in done.stdout.splitlines()]

    def doctest(self, text: str) -> str:
        """Run a doctest; give a report of what failed."""
        report: list[str] = []
        test = doctest.DocTestParser().get_doctest(text, self.names, "example", None, 0)
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        sys.path.insert(0, str(self.directory))
        try:
            with contextlib.chdir(self.directory):
                runner.run(test, out=report.append, clear_globs=False)
        finally:
            sys.path.remove(str(self.directory))
        self.names.update(test.globs)
        return "".join(report)


def shell(directory: Path, page: Path) -> Shell:
    """Make an empty directory in which `fitsgen`, `python` and `python3` are this one's."""
    work, bin_ = directory / "work", directory / "bin"
    work.mkdir()
    bin_.mkdir()
    scripts = {"fitsgen": "-m fitsgen ", "python": "", "python3": ""}
    for name, module in scripts.items():
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        (bin_ / name).chmod(0o755)
    if page.name == "README.md":  # stands in a clone
        for name in ("Makefile", "docs"):
            (work / name).symlink_to(ROOT / name)
    return Shell(work)


def refreshed(page: str, shell: Shell) -> str:
    """Return a page with what its examples give now, and as it is where that is as written."""
    return BLOCK.sub(lambda block: _refreshed(block, shell), page)


def _refreshed(block: re.Match[str], shell: Shell) -> str:
    language, info, text = block.groups()
    if title := re.search(r'title="([^"]+)"', info):
        path = shell.directory / title[1]
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    elif language == "console" and "not-run" not in info:
        text = "".join(_session(text, shell))
    elif language == "python" and ">>> " in text:
        text += shell.doctest(text)
    elif names := re.search(r"names=(\w+)", info):
        text = textwrap.fill(" ".join(sorted(getattr(policy, names[1]))), 98) + "\n"
    return f"```{language}{info}\n{text}```"


def _session(text: str, shell: Shell) -> Iterator[str]:
    for command, told in _commands(text):
        output = shell.run(command)
        if not _pattern(told).fullmatch("\n".join(output)):
            told = output
        yield from (f"{line}\n" for line in (f"$ {command}", *told))


def _commands(text: str) -> list[tuple[str, list[str]]]:
    commands: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return commands


def _pattern(lines: list[str]) -> re.Pattern[str]:
    def one(line: str) -> str:
        if line == "...":
            return r"[\s\S]*?"
        if line.startswith("verification OK") and not shutil.which("fitsverify"):
            return "fitsverify is not installed[^\n]*"
        return "[^\n]*".join(map(re.escape, line.split("...")))

    return re.compile("\n".join(map(one, lines)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    assert refreshed(text, shell(tmp_path, page)) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_only_known_commands_are_not_run(page: Path) -> None:
    for block in BLOCK.finditer(page.read_text()):
        if block["language"] == "console" and "not-run" in block["info"]:
            for command, _ in _commands(block["text"]):
                assert all(part.startswith(NOT_RUN) for part in command.split(" && ")), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for path, heading in LINK.findall(BLOCK.sub("", page.read_text())):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not heading or heading in _anchors(target.read_text()), heading


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page), re.M)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


WRONG = """
```text title="a.txt"
one
```
```console
$ cat a.txt
two
```
```python
>>> 1 + 1
3
```
"""


def test_a_wrong_output_is_found(tmp_path: Path) -> None:
    now = refreshed(WRONG, shell(tmp_path, Path("x.md")))
    assert "$ cat a.txt\none\n```" in now
    assert "Expected:\n    3\nGot:\n    2\n" in now


def test_dots_stand_for_any_text(tmp_path: Path) -> None:
    page = "```console\n$ printf 'a b c\\nd\\ne\\n'; exit 3\na ... c\n...\n$ echo $?\n3\n```\n"
    assert refreshed(page, shell(tmp_path, Path("x.md"))) == page


def main(pages: list[str]) -> None:
    for page in map(Path, pages):
        with tempfile.TemporaryDirectory() as directory:
            text = refreshed(page.read_text(), shell(Path(directory), page))
        if found := re.search(r"^(\*{70}|Traceback.*)$", text, re.M):
            sys.exit(f"{page} is left as it was; an example fails:\n{text[found.start() :][:1500]}")
        page.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
