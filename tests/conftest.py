"""What the tests share: raw exposures, a cache of their own, and the check that a file conforms."""

from __future__ import annotations

import shutil
import signal
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from astropy.io import fits

from fitsgen.simulate.raw import Exposure, nirspec_ifu

HERE = Path(__file__).parent
DATA = HERE / "data"
FITSVERIFY = shutil.which("fitsverify")

# On a busy machine any example may take long: how fast something is is measured elsewhere.
hypothesis.settings.register_profile("calm", deadline=None)
hypothesis.settings.load_profile("calm")

# A script that is run in the background ignores Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Python for the most memory that a process had, in kB. ru_maxrss would not do: it is never less
# than that of the parent.
PEAK = "int(next(one.split()[1] for one in open('/proc/self/status') if one.startswith('VmHWM')))"

Conforms = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITSGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("FITSGEN_PATH", raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture(scope="session")
def raw_exposure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw NIRSpec IFU exposure: 2 integrations, 3 groups, 8 rows, 6 columns."""
    path = tmp_path_factory.mktemp("raw") / "raw.fits"
    nirspec_ifu(Exposure(integrations=2, groups=3, rows=8, columns=6)).writeto(path)
    return path


@pytest.fixture
def raw(raw_exposure: Path, tmp_path: Path) -> Path:
    """A copy of the raw exposure, as `raw.fits` beside what the test writes."""
    return Path(shutil.copy(raw_exposure, tmp_path / "raw.fits"))


@pytest.fixture(scope="session")
def guitarra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw file with the real header of a NIRCam simulator, and pixels made to its NGROUP."""
    import numpy as np

    text = (DATA / "guitarra_nircam_raw.hdr").read_text()
    cards = fits.Header.fromstring(text, sep="\n").cards
    pixels = np.random.default_rng(1).integers(0, 60000, (7, 16, 16)).astype("uint16")
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.extend(cards, end=True)
    path = tmp_path_factory.mktemp("guitarra") / "guitarra.fits"
    hdu.writeto(path, output_verify="silentfix")
    return path


@pytest.fixture(scope="session")
def conforms() -> Conforms:
    """Check a file with astropy, and with fitsverify where that is installed."""
    return assert_conforms


def assert_conforms(path: Path, *, undefined_values: bool = False) -> None:
    """Fail unless a file keeps the standard.

    fitsverify warns of every undefined value, which the standard allows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, checksum=True) as hdulist:
            hdulist.verify("exception")
            for hdu in hdulist:
                assert hdu.data is None or hdu.data.size >= 0
    if FITSVERIFY:
        found = fitsverify(path)
        if undefined_values:
            found = [line for line in found if not line.endswith("has a null value.")]
        assert found == []


def fitsverify(path: Path) -> list[str]:
    """Return what fitsverify says; errors go to one stream and warnings to the other."""
    assert FITSVERIFY
    result = subprocess.run([FITSVERIFY, path], capture_output=True, check=False)
    lines = (result.stdout + result.stderr).decode("latin-1").splitlines()
    return [line.removeprefix("*** ") for line in lines if line.startswith("*** ")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured: each told it by `record_property("figure", text)`."""
    figures = [
        str(text)
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, text in report.user_properties
        if name == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(sorted(figures)))
