"""Tile-compressed images are decoded elsewhere: whatever ends a decoder ends nothing else."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import DATA

from fitsgen.diagnostics import InputError
from fitsgen.inputs import compressed
from fitsgen.inputs.fits import FitsFile

HERE = Path(__file__).parent
CANNOT = "HDU 1: the compressed image cannot be decoded: "
BEGIN = "import os, signal, sys, time; "


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "image.fits"
    pixels = np.arange(600, dtype="i2").reshape(20, 30)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels)]).writeto(path)
    return path


def refused(path: Path) -> str:
    """Read the first extension; give the error."""
    with FitsFile.open(path) as file, pytest.raises(InputError) as caught:
        _ = file[1].data
    (problem,) = caught.value.problems
    return problem.message


def test_what_ends_the_decoder_is_an_error() -> None:
    """These bytes made astropy write beyond its memory."""
    assert CANNOT in refused(DATA / "damaged" / "hcompress_ends_its_process.fits")


def test_what_reads_beyond_memory_ends_nothing() -> None:
    """Whatever becomes of it: it differs from run to run."""
    path = DATA / "damaged" / "rice_reads_elsewhere.fits"
    with FitsFile.open(path) as file, suppress(InputError):
        assert file[1].data.shape == (32, 32)  # type: ignore[union-attr]


WAYS = {
    # what the decoder does: what is told
    "os.kill(os.getpid(), signal.SIGSEGV)": "the decoder was ended by SIGSEGV",
    "os.kill(os.getpid(), signal.SIGKILL)": "the decoder was ended by SIGKILL",
    "sys.exit(5)": "the decoder ended with status 5",
    "sys.exit(1)": "the decoder failed",
    "print('so bad'); sys.exit(1)": "so bad",
    "print('x' * 10**6); sys.exit(1)": "x" * 500,
    "pass": "*",
    "print('no array')": "*",
    "time.sleep(60)": "the decoder took longer than 1 s",
    "os.kill(os.getpid(), signal.SIGXCPU)": "the decoder took longer than 0 s",
}
ARRAYS = {
    "np.arange(600)": "*expected an image of (20, 30), found int64 of (600,)",
    "np.full((20, 30), 'a')": "*expected an image of (20, 30), found <U1 of (20, 30)",
    "np.full((20, 30), None)": "*",
}


@pytest.mark.parametrize("does", WAYS, ids=lambda text: text[:30])
def test_however_a_decoder_ends_that_is_told(
    does: str, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "_BEGIN", BEGIN + does)
    monkeypatch.setattr(compressed, "SECONDS", 0.1)
    message = refused(image)
    told = message.partition(CANNOT)[2]
    assert told.strip() == WAYS[does] if WAYS[does] != "*" else told


@pytest.mark.parametrize("array", ARRAYS)
def test_a_decoder_gives_nothing_but_the_image(
    array: str, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = f"import numpy as np, sys; np.lib.format.write_array(sys.stdout.buffer, {array})"
    monkeypatch.setattr(compressed, "_BEGIN", begin)
    assert ARRAYS[array].removeprefix("*") in refused(image)


def test_a_decoder_has_limits(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = compressed._BEGIN.replace("main()", "decoder.decoded = {}; decoder.main()")
    begin = begin.replace("decoder import main", "inputs import decoder").replace(".inputs.i", ".i")
    limits = "__import__('resource').getrlimit"
    wanted = f"lambda _: (_ for _ in ()).throw(Exception([{limits}(n)[0] for n in (2, 4, 0)]))"
    monkeypatch.setattr(compressed, "_BEGIN", begin.replace("{}", wanted))
    memory, core, seconds = json.loads(refused(image).partition(CANNOT)[2])
    assert compressed.MEMORY < memory < compressed.MEMORY + 2**20
    assert (core, compressed.SECONDS < seconds < compressed.SECONDS + 10) == (0, True)


def test_too_little_memory_is_told(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MEMORY", 60 * 2**20)
    assert CANNOT in refused(image)


PIXELS: dict[str, Callable[[], fits.CompImageHDU]] = {
    "u1": lambda: fits.CompImageHDU(np.arange(12, dtype="u1").reshape(3, 4)),
    "u2": lambda: fits.CompImageHDU(np.arange(12, dtype="u2").reshape(3, 4) + 60000),
    "i4 cube": lambda: fits.CompImageHDU(np.arange(24, dtype="i4").reshape(2, 3, 4)),
    "f4": lambda: fits.CompImageHDU(np.linspace(0, 1, 12, dtype="f4").reshape(3, 4)),
    "f8 gzip": lambda: fits.CompImageHDU(
        np.array([[np.nan, 1.5, np.inf]]), compression_type="GZIP_2", quantize_level=0
    ),
}


@pytest.mark.parametrize("name", PIXELS)
def test_pixels_are_those_that_astropy_gives(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(), PIXELS[name]()]).writeto(path)
    with fits.open(path) as hdus, FitsFile.open(path) as file:
        wanted, found = np.array(hdus[1].data), file[1].data
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.flags.writeable) == (wanted.dtype, False)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("module", ["astropy", "numpy", "multiprocessing", "fitsgen"])
def test_no_module_of_the_users_directory_is_imported(
    module: str, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{module}.py").write_text("open('imported', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend("")
    with FitsFile.open(image) as file:
        assert file[1].data.shape == (20, 30)  # type: ignore[union-attr]
    assert not (tmp_path / "imported").exists()


def test_damaged_images_end_their_process_at_worst(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, str(HERE / "damaged_tiles.py"), "6", "300"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    counts = Counter(report["counts"])
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    record_property("figure", f"of 300 damaged tile-compressed images: {told}")
    assert (counts.total(), set(counts) <= {"decoded", "refused", "died"}) == (300, True)
    # Or nothing was damaged, or all was.
    assert counts["decoded"] > 30
    assert counts["refused"] > 30
    if report["deadly"]:
        (tmp_path / "deadly.fits").write_bytes(base64.b64decode(report["deadly"]))
        # What it did to the memory may have been done by one before it.
        with FitsFile.open(tmp_path / "deadly.fits") as file, suppress(InputError):
            _ = file[1].data
