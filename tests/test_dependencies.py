"""What fitsgen is built on: what is allowed and what is installed has no hole that we know of.

This works without a network, by a table of our own (tests/data/known_holes.json, from the
public list of CVEs). What is not in the table is not found here: `make audit` asks further.
"""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from conftest import DATA
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
HOLES = json.loads((DATA / "known_holes.json").read_text())["holes"]


def declared(*, to_build: bool = True) -> list[Requirement]:
    """Return what setup.cfg and pyproject.toml ask for, extras included.

    What a wheel is built with is installed for that alone: an environment may have another one.
    """
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = setup["options"]["install_requires"].split("\n")
    for extra in setup["options.extras_require"].values():
        texts += extra.split("\n")
    if to_build:
        texts += tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    return [Requirement(text) for text in texts if text.strip() and text.strip()[0] != "#"]


def installed() -> dict[str, Version]:
    """Return the versions of all packages that are installed here and that fitsgen leads to."""
    found: dict[str, Version] = {}
    wanted = declared(to_build=False)
    while wanted:
        name = canonicalize_name(wanted.pop().name)
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = Version(distribution.version)
        requirements = map(Requirement, distribution.requires or ())
        wanted += [one for one in requirements if one.marker is None or one.marker.evaluate()]
    return found


def holes(versions: dict[str, Version]) -> Iterator[str]:
    for hole in HOLES:
        version = versions.get(hole["package"])
        if version is not None and version < Version(hole["mended_in"]):
            yield f"{hole['package']} {version}: {hole['id']}, {hole['what']}"


def test_nothing_installed_has_a_known_hole(record_property: Callable[[str, object], None]) -> None:
    there = installed()
    assert {"numpy", "astropy", "lark", "jinja2", "pygments", "pyyaml"} <= there.keys()
    assert list(holes(there)) == []
    text = f"{len(there)} packages that fitsgen leads to: none of {len(HOLES)} known holes"
    record_property("figure", text)


def test_nothing_allowed_has_a_known_hole() -> None:
    """Whoever installs fitsgen with the oldest versions it allows has none of them, either."""
    least = {
        canonicalize_name(one.name): max(
            (Version(part.version) for part in one.specifier if part.operator == ">="),
            default=Version("0"),
        )
        for one in declared()
    }
    assert list(holes(least)) == []


def test_a_hole_is_found() -> None:
    assert [text.split(":")[0] for text in holes({"jinja2": Version("3.1.5")})] == ["jinja2 3.1.5"]


def test_what_is_installed_is_what_is_asked_for() -> None:
    there = installed()
    wrong = [
        f"{one} is asked for, {version} is installed"
        for one in declared(to_build=False)
        if (version := there.get(canonicalize_name(one.name))) and version not in one.specifier
    ]
    assert wrong == []
