"""The same inputs give the same bytes, wherever and however they are converted."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

import fitsgen
from fitsgen.cli import main
from fitsgen.runtime import writing

ROOT = Path(__file__).parents[1]
CONVERSIONS = 50

# Whatever could depend on more than the inputs: the clock, chance, the order of things, the
# number of threads that add up a product, how numbers become text.
TEMPLATE = """<<file same>>
<<header primary>>
FILENAME = / its name
DATE     = now() / when
DAY      = now(date_only=True) / when
SEED     = param('seed') / of the noise
OBSERVTN = obsid('OBSERVTN') / from a data file
NAMES    = ' '.join(name for name in param('table')) / in the order in which they are given
LETTERS  = ' '.join(sorted(dict((c, 1) for c in 'one two three'))) / sorted
#include "inc/more.gen.inc"
HISTORY  = [f'{key} is {value}' for key, value in param('table').items()]
HISTORY  = obsid('NOTES')

<<header science>>
EXTNAME  = 'SCI' / name
DOT      = np.dot(np.arange(30001) * 0.1, np.arange(30001) * 0.3) / added up by one thread
NORM     = np.linalg.norm(np.sin(np.arange(30001))) / so is this
MEAN     = output['science'].data.mean() / of the noise
<<data>>
input[0].data.astype('float32') + np.random.default_rng(param('seed')).normal(size=(6, 8, 6))

<<header list>>
EXTNAME  = 'LIST' / name
<<data>>
{key: np.unique(np.array([5, 3, 5, 1])) * value for key, value in param('table').items()}
"""
SET = ("--set", "seed=7", "--set", "table={'b': 2, 'a': 1.5, 'c': 3}", "--checksum", "--no-verify")
EPOCH = {"SOURCE_DATE_EPOCH": "1000000000"}


@dataclass(frozen=True)
class Place:
    """Where a conversion runs, and in what."""

    directory: Path
    arguments: tuple[str, ...]
    made: Path
    environment: dict[str, str] = field(default_factory=dict)
    umask: int = 0o022

    def run(self) -> str:
        """Convert in a process of its own; give the digest of the file."""
        self.made.parent.mkdir(exist_ok=True, parents=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TZ"))}
        done = subprocess.run(
            [sys.executable, "-m", "fitsgen", *self.arguments],
            cwd=self.directory,
            env=keep | EPOCH | {"PYTHONPATH": str(ROOT)} | self.environment,
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        assert self.made.stat().st_mode & 0o777 == 0o666 & ~self.umask
        return hashlib.sha256(self.made.read_bytes()).hexdigest()


def digests(places: list[Place]) -> set[str]:
    with ThreadPoolExecutor(2) as pool:
        return set(pool.map(Place.run, places))


def locales() -> list[str]:
    found = subprocess.run(["locale", "-a"], capture_output=True, check=False).stdout.decode()
    return [*dict.fromkeys(["C", "POSIX", *found.split()])][:6]


@pytest.fixture
def directories(raw: Path, tmp_path: Path) -> list[Path]:
    """Directories that have the same inputs under the same names."""
    made = []
    for name in ("plain", "with blanks/and below", "ä̈ß", "x" * 150):
        directory = tmp_path / name
        (directory / "inc").mkdir(parents=True)
        shutil.copy(raw, directory / "raw.fits")
        (directory / "same.gen.txt").write_text(TEMPLATE)
        (directory / "inc/more.gen.inc").write_text("MORE     = 0.1 + 0.2 / included\n")
        (directory / "obsid.dat").write_text(
            "<<file obsid>>\nOBSERVTN = '005'\nNOTES = ['one', 'two']\n"
        )
        made.append(directory)
    return made


SPEECH: list[dict[str, str]] = [
    {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONUTF8": "1"},
    {},
]
ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns", "XXX+25:59:59", "Pacific/Apia")
THREADS = ("1", "2", "5")
OPTIMIZE = ("", "1", "2")
MASKS = (0o022, 0o077, 0o002, 0o027)
CACHES: list[dict[str, str]] = [{}, {}, {"FITSGEN_CACHE": ""}]


def around_the_world(directories: list[Path]) -> Iterator[Place]:
    """Give conversions that differ in all but the inputs and what is asked for."""
    turns = zip(
        *(cycle(directories), cycle(locales()), cycle(ZONES), cycle(THREADS), cycle(SPEECH)),
        *(cycle(OPTIMIZE), cycle(MASKS), cycle(CACHES)),
        strict=True,
    )
    for number, (where, spoken, zone, threads, speech, optimize, mask, cache) in enumerate(turns):
        environment = {
            "PYTHONHASHSEED": str(number * 81),
            "LC_ALL": spoken,
            "TZ": zone,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONOPTIMIZE": optimize,
            **speech,
            **cache,
        }
        output = f"{number}/out.fits"
        arguments = ("convert", "raw.fits", "obsid.dat", "-t", "same.gen.txt", *SET, "--history")
        yield Place(where, (*arguments, "-o", output), where / output, environment, mask)


def test_conversions_give_one_digest(
    directories: list[Path], record_property: Callable[[str, object], None]
) -> None:
    places = list(islice(around_the_world(directories), CONVERSIONS))
    assert len(digests(places)) == 1
    figure = (
        f"{CONVERSIONS} conversions over {CONVERSIONS} processes and hash seeds,"
        f" {len(locales())} locales, {len(ZONES)} time zones, {len(directories)} directories,"
        f" {len(THREADS)} numbers of threads: 1 digest"
    )
    record_property("figure", figure)


def test_paths_modules_and_batches_give_one_digest(directories: list[Path]) -> None:
    here, there = directories[:2]
    subprocess.run(
        [sys.executable, "-m", "fitsgen", "compile", "same.gen.txt"],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    given = [
        (here, "", "same.gen.txt"),
        (there, f"{here}/", "same.gen.txt"),
        (there, f"{os.path.relpath(here, there)}/", f"{here}/same.gen.txt"),
        (here, "", "same.py"),
        (there, f"{here}/../plain/", f"{here}/same.py"),
    ]
    places = []
    for number, (directory, before, template) in enumerate(given):
        made = directory / f"m{number}/out.fits"
        inputs = (f"{before}obsid.dat", f"{before}raw.fits", "-t", template, *SET)
        places.append(Place(directory, ("convert", *inputs, "-o", str(made)), made))
    for jobs in ("1", "2"):
        for threads in ("1", "2"):
            number = len(places)
            manifest = here / f"{number}.jsonl"
            entries = [{"inputs": ["raw.fits"], "output": f"{name}.fits"} for name in ("out", "b")]
            manifest.write_text("\n".join(map(json.dumps, entries)))
            made = here / f"m{number}/out.fits"
            arguments = ("batch", manifest.name, "--with", "obsid.dat", "-t", "same.gen.txt", *SET)
            options = ("-o", f"m{number}", "-j", jobs)
            environment = {"OPENBLAS_NUM_THREADS": threads}
            places.append(Place(here, (*arguments, *options), made, environment))
    assert len(digests(places)) == 1


@pytest.fixture
def here(directories: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(directories[0])
    return directories[0]


@pytest.mark.usefixtures("here")
def test_the_time_of_a_compressed_input_does_not_matter() -> None:
    options = ["-t", "same.gen.txt", *SET, "-o", "out.fits", "--overwrite"]
    content = Path("raw.fits").read_bytes()
    found = set()
    for raw in (None, 0, 5):
        if raw is not None:
            Path("raw.fits.gz").write_bytes(gzip.compress(content, mtime=raw))
        name = "raw.fits" if raw is None else "raw.fits.gz"
        arguments = ["convert", name, "obsid.dat", *options]
        result = CliRunner().invoke(main, arguments, env=EPOCH)
        assert result.exit_code == 0, result.output
        found.add(Path("out.fits").read_bytes())
    assert len(found) == 1


TILES = """<<file tiles>>
<<header primary>>
<<header {name}>>
ZCMPTYPE = '{name}'
<<data>>
np.arange(600).reshape(20, 30) * param('scale')
<<header floats>>
ZCMPTYPE = 'RICE_1'
ZQUANTIZ = 'SUBTRACTIVE_DITHER_1'
<<data>>
np.where(np.arange(600).reshape(20, 30) == 5, 1e30, 1.) * param('scale')
"""


@pytest.mark.parametrize("name", ["GZIP_1", "GZIP_2"])
def test_the_clock_does_not_show_in_compressed_tiles(
    name: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "tiles.gen.txt"
    template.write_text(TILES.format(name=name))
    found = set()
    for clock in (1e9, 1.2e9):
        monkeypatch.setattr("gzip.time.time", lambda clock=clock: clock)
        parameters = {"scale": 2}
        path = fitsgen.convert(
            raw, template=template, output=tmp_path / f"{clock}.fits", parameters=parameters
        )
        found.add(path.read_bytes())
    assert len(found) == 1
    with fits.open(path) as hdulist:
        assert np.array_equal(hdulist[1].data, np.arange(600).reshape(20, 30) * 2)
        assert hdulist[2].data.shape == (20, 30)


def test_the_clock_does_not_show_in_checksums(raw: Path, tmp_path: Path) -> None:
    template = tmp_path / "still.gen.txt"
    template.write_text("<<file still>>\n<<header primary>>\nA = 1\n<<data>>\ninput[0].data\n")
    found = set()
    for epoch in ("0", "2000000000"):
        output = tmp_path / f"{epoch}.fits"
        arguments = ["convert", str(raw), "-t", str(template), "-o", str(output), "--checksum"]
        CliRunner().invoke(main, arguments, env={"SOURCE_DATE_EPOCH": epoch})
        found.add(output.read_bytes())
    assert len(found) == 1


BIG = """<<file big>>
<<header primary>>
<<header science>>
<<data>>
np.arange(6 * 2**20).reshape(6, 1024, 1024).astype('float32') * 1.5 + 1
<<header quality>>
<<data>>
np.zeros((1024, 1025), 'int16') + 3
"""


def test_threads_that_write_do_not_matter(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "big.gen.txt"
    template.write_text(BIG)
    interval = sys.getswitchinterval()
    found = set()
    try:
        for number, threads in enumerate((0, 2, 2, 3, 2)):
            monkeypatch.setattr(writing, "WORTH_THREADS", 0 if threads else sys.maxsize)
            monkeypatch.setattr(writing, "THREADS", threads or 1)
            monkeypatch.setattr(os, "cpu_count", lambda: 8)
            sys.setswitchinterval(interval if number % 2 else 1e-6)
            path = tmp_path / f"{number}.fits"
            fitsgen.convert(raw, template=template, output=path, verified=False)
            found.add(hashlib.sha256(path.read_bytes()).hexdigest())
            path.unlink()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 1
