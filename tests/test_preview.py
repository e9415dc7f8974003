"""Pictures of FITS files: what is chosen, found and shown, and that a file is a file or none."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from conftest import PEAK

from fitsgen.cli import main
from fitsgen.diagnostics import InputError
from fitsgen.preview.drawing import png
from fitsgen.preview.images import MAX_FRAMES, MAX_INTEGRATIONS, MAX_SIDE
from fitsgen.preview.page import ImagePanel, LinePanel, Page, RampPanel, TablePanel
from fitsgen.preview.ramps import find
from fitsgen.preview.reading import MAX_SHOWN, read_page
from fitsgen.preview.stretch import Levels, Stretch, stretch
from fitsgen.preview.tables import MAX_LINE, MAX_ROWS

LIMIT = 65535.0
SLOPE, BIAS, NOISE = 100.0, 10000.0, 5.0


def ramps(integrations: int = 2, groups: int = 8, rows: int = 24, columns: int = 20) -> np.ndarray:
    """Return an exposure of a uniform sky: shape (integrations, groups, rows, columns)."""
    rng = np.random.default_rng(5)
    shape = (integrations, groups, rows, columns)
    light = SLOPE * np.arange(1, groups + 1)[:, np.newaxis, np.newaxis]
    values = BIAS + rng.normal(0, 500, shape[2:]) + light + rng.normal(0, NOISE, shape)
    return np.clip(values.round(), 0, LIMIT).astype(np.uint16)


def exposure(path: Path, pixels: np.ndarray, **keywords: object) -> Path:
    primary = fits.PrimaryHDU()
    primary.header["INSTRUME"], primary.header["DETECTOR"] = "NIRCAM", "NRCA1"
    primary.header["NINTS"], primary.header["NGROUPS"] = pixels.shape[:2]
    primary.header.update(keywords)
    science = fits.ImageHDU(pixels, name="SCI")
    science.header["BUNIT"] = "DN"
    fits.HDUList([primary, science]).writeto(path)
    return path


def page(path: Path) -> Page:
    return read_page(path)[0]


def one_of(page: Page, kind: type) -> object:
    (found,) = [panel for panel in page.panels if isinstance(panel, kind)]
    return found


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["preview", *map(str, arguments)], catch_exceptions=False)


def size_of(image: bytes) -> tuple[int, int]:
    """Return the width and height that a PNG's first chunk tells."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert image[12:16] == b"IHDR"
    width, height = struct.unpack(">II", image[16:24])
    return width, height


def found(*values: float) -> tuple[list[int], list[int]]:
    """Return the groups, from 1, where a ramp jumps, and those in which it is saturated."""
    result = find(np.array(values, float).reshape(1, -1, 1), LIMIT)
    groups = (result.jumps[0, :, 0], result.saturated[0, :, 0])
    jumps, saturated = (list(map(int, np.flatnonzero(one) + 1)) for one in groups)
    return jumps, saturated


@pytest.mark.parametrize(
    ("values", "jumps", "saturated"),
    [
        # A star, as it should be; the same with noise, and without light.
        ((10100, 10200, 10300, 10400, 10500), [], []),
        ((10104, 10199, 10308, 10395, 10501, 10610), [], []),
        ((10004, 9999, 10008, 9995, 10001, 10000), [], []),
        ((10000, 10000, 10000, 10000, 10000), [], []),
        # Jumps up and down; after a jump the ramp goes on.
        ((10100, 10200, 12300, 12400, 12500), [3], []),
        ((10100, 10200, 10300, 9400, 9500, 9600), [4], []),
        ((10100, 12200, 12300, 12400, 14500, 14600, 14700), [2, 5], []),
        # Too few groups tell nothing.
        ((10100, 10200, 12300), [], []),
        # The end of the converter; clipped before it; a soft top.
        ((40000, 55000, 65535, 65535, 65535), [], [3, 4, 5]),
        ((30000, 45000, 60010, 61000, 61000, 61000), [], [4, 5, 6]),
        ((61000, 61000, 61000, 61000), [], [1, 2, 3, 4]),
        ((20000, 35000, 49000, 58000, 58120, 58190, 58230), [], [4, 5, 6, 7]),
        # What is left after a jump of a faint pixel is no top.
        ((10000, 10004, 52000, 52005, 52011, 52013), [3], []),
        ((10000, 34000, 38000, 38010, 38015, 38024), [2, 3], []),
        # Values may be the same by chance.
        ((9000, 9004, 9001, 41000, 41000, 41000), [4], []),
        # Values that are none.
        ((10100, np.nan, 10300, 10400, 10500, 10600), [], []),
        ((np.nan,) * 5, [], []),
    ],
)
def test_jumps_and_saturation_are_found(
    values: tuple[float, ...], jumps: list[int], saturated: list[int]
) -> None:
    assert found(*values) == (jumps, saturated)


def test_chance_is_no_jump() -> None:
    """A hundred thousand ramps of noise alone, of few groups, where scatter is known badly."""
    rng = np.random.default_rng(1)
    for groups in (4, 6, 10):
        values = 10000 + rng.normal(0, 10, (1, groups, 100_000))
        result = find(values, LIMIT)
        assert result.jumps.sum() <= 1
    assert not result.saturated.any()


def test_pixels_are_chosen_for_what_they_show(tmp_path: Path) -> None:
    pixels = ramps()
    bright, jumping, full = (7, 3), (15, 11), (20, 18)
    steps = np.arange(1, 9)
    pixels[:, :, *bright] = 10000 + 900 * steps
    pixels[1, 4:, *jumping] += 3000
    pixels[:, :, *full] = np.minimum(10000 + 12000 * steps, 60000)
    shown = page(exposure(tmp_path / "a.fits", pixels))
    panel = one_of(shown, RampPanel)
    assert isinstance(panel, RampPanel)
    chosen = {ramp.pixel.why: ramp for ramp in panel.ramps}
    places = {why: (ramp.pixel.y - 1, ramp.pixel.x - 1) for why, ramp in chosen.items()}
    median = places.pop("median")
    assert places == {"brightest": bright, "largest jump": jumping, "saturated": full}
    assert abs(float(pixels[1, -1, *median]) - pixels[1, 0, *median] - 7 * SLOPE) < 3 * NOISE
    for why, ramp in chosen.items():
        assert (ramp.values == pixels[:, :, *places.get(why, median)]).all()
    assert np.argwhere(chosen["largest jump"].jumps).tolist() == [[1, 4]]
    assert chosen["saturated"].saturated.sum(axis=1).tolist() == [4, 4]
    assert not chosen["brightest"].jumps.any()
    image = shown.panels[0]
    assert isinstance(image, ImagePanel)
    assert image.marked == tuple(ramp.pixel for ramp in panel.ramps)


def test_the_last_group_and_what_it_gathered_are_shown(tmp_path: Path) -> None:
    pixels = ramps()
    shown = page(exposure(tmp_path / "a.fits", pixels, EXP_TYPE="NRC_IMAGE"))
    last, rise = shown.panels[:2]
    assert isinstance(last, ImagePanel)
    assert isinstance(rise, ImagePanel)
    assert last.title == "1 SCI: group 8 of 8, integration 2 of 2"
    assert last.unit == "DN"
    assert (last.pixels == pixels[-1, -1]).all()
    assert rise.title == "1 SCI: group 8 minus group 1, integration 2 of 2"
    assert (rise.pixels == pixels[-1, -1].astype(float) - pixels[-1, 0]).all()
    assert shown.title == "a.fits"
    assert shown.subtitle == "INSTRUME NIRCAM   DETECTOR NRCA1   EXP_TYPE NRC_IMAGE"
    assert shown.notes == ("Not shown, no data: 0 PRIMARY",)


def test_a_ground_cube_has_integrations_and_groups(tmp_path: Path) -> None:
    pixels = ramps(integrations=2, groups=8)
    hdu = fits.PrimaryHDU(pixels.reshape(16, 24, 20))
    hdu.header["NINT"], hdu.header["NGROUP"] = 2, 8
    hdu.writeto(tmp_path / "raw.fits")
    shown = page(tmp_path / "raw.fits")
    assert shown.panels[0].title == "0 PRIMARY: group 8 of 8, integration 2 of 2"
    panel = one_of(shown, RampPanel)
    assert isinstance(panel, RampPanel)
    assert panel.ramps[0].values.shape == (2, 8)


@pytest.mark.parametrize(
    ("integrations", "groups", "shown"), [(40, 2, (MAX_INTEGRATIONS, 2)), (2, 700, (1, MAX_FRAMES))]
)
def test_of_many_frames_the_last_are_shown(
    tmp_path: Path, integrations: int, groups: int, shown: tuple[int, int]
) -> None:
    pixels = np.arange(integrations * groups * 4).astype(np.uint16)
    path = exposure(tmp_path / "a.fits", pixels.reshape(integrations, groups, 2, 2))
    panel = one_of(page(path), RampPanel)
    assert isinstance(panel, RampPanel)
    assert panel.ramps[0].values.shape == shown
    first = (integrations - shown[0] + 1, groups - shown[1] + 1)
    assert (panel.first_integration, panel.first_group) == first
    assert panel.caption.startswith("the last ")


def test_most_pixels_can_be_told_apart() -> None:
    rng = np.random.default_rng(2)
    sky = rng.normal(1000, 10, (200, 200))
    assert stretch(sky) == Stretch(*np.percentile(sky, (1, 99.5)))
    stars = sky.copy()
    stars[::40, ::40] = 60000
    both = stretch(stars)
    assert isinstance(both, Stretch)
    assert both.name == "asinh"
    shades = both.shades(stars)
    assert shades[::40, ::40].min() == 1
    faint = both.shades(sky)
    assert faint.std() > 0.05
    assert shades.min() == 0


def test_flags_that_are_rare_are_seen() -> None:
    mask = np.zeros((30, 30), np.uint32)
    mask[:4], mask[10, 10], mask[20, 20] = 2**31, 1, 1024
    levels = stretch(mask)
    assert levels == Levels((0, 1, 1024, 2**31))
    assert isinstance(levels, Levels)
    assert np.unique((3 * levels.shades(mask)).round()).tolist() == [0, 1, 2, 3]
    assert [text for _, text in levels.ticks()] == ["0", "1", "1024", "2147483648"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (9512.0, 16020.0, ["10000", "12000", "14000", "16000"]),
        (-0.5, 0.5, ["-0.4", "-0.2", "0.0", "0.2", "0.4"]),
        (0.0, 3e-9, ["0", "5e-10", "1e-09", "1.5e-09", "2e-09", "2.5e-09", "3e-09"]),
    ],
)
def test_values_beside_the_bar_are_round(low: float, high: float, expected: list[str]) -> None:
    ticks = Stretch(low, high).ticks()
    assert [text for _, text in ticks] == expected
    assert all(0 <= shade <= 1 + 1e-9 for shade, _ in ticks)
    for shade, text in ticks:
        assert abs(Stretch(low, high).value(shade) - float(text)) < 1e-9 * (high - low)


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
def test_the_first_rows_of_a_table_are_shown(tmp_path: Path) -> None:
    count = 20
    columns = [
        fits.Column("NUMBER", "J", unit="s", array=np.arange(count)),
        fits.Column("$x_1$", "12A", array=["a $word$"] * count),
        fits.Column("FLAG", "L", array=[True, False] * 10),
        fits.Column("VECTOR", "40E", array=np.arange(count * 40).reshape(count, 40)),
        fits.Column("LONG", "PD()", array=np.array([np.ones(3), *[np.ones(0)] * 19], object)),
        *(fits.Column(f"MANY_COLUMNS_{n}", "D", array=np.full(count, n / 7)) for n in range(30)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="A_TABLE")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "a.fits")
    shown = page(tmp_path / "a.fits")
    panel = one_of(shown, TablePanel)
    assert isinstance(panel, TablePanel)
    assert panel.title == "1 A_TABLE"
    assert panel.caption == "20 rows, 35 columns"
    names, units, first, second = panel.lines[:4]
    assert names.split()[:5] == ["NUMBER", "$x_1$", "FLAG", "VECTOR", "LONG"]
    assert units.split() == ["s"]
    assert first.split()[:11] == "0 a $word$ T [0.0 1.0 .. 39.0] of 40 [1.0".split()
    assert second.split()[:4] == ["1", "a", "$word$", "F"]
    assert panel.lines[-2] == f"... and {count - MAX_ROWS} more rows"
    assert panel.lines[-1].endswith("more columns")
    assert max(map(len, panel.lines)) <= MAX_LINE + 2
    # What would be a formula elsewhere, is drawn as it stands.
    assert size_of(png(shown))[0] == 1200


def test_columns_of_one_name_are_not_taken_for_each_other(tmp_path: Path) -> None:
    columns = fits.Column("A", "J", array=[1]), fits.Column("B", "J", array=[2])
    path = tmp_path / "a.fits"
    a_table(*columns).writeto(path)
    path.write_bytes(path.read_bytes().replace(b"'B       '", b"'A       '"))
    panel = one_of(page(path), TablePanel)
    assert isinstance(panel, TablePanel)
    assert panel.lines == ("A             A", "1  (name twice)")


def a_primary(data: object) -> fits.HDUList:
    return fits.HDUList([fits.PrimaryHDU(data)])


def an_extension(data: object, **keywords: object) -> fits.HDUList:
    hdu = fits.ImageHDU(data)
    hdu.header.update(keywords)
    return fits.HDUList([fits.PrimaryHDU(), hdu])


def a_table(*columns: fits.Column) -> fits.HDUList:
    return fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)])


def a_compressed_image() -> fits.HDUList:
    pixels = np.arange(3600, dtype=np.int16).reshape(60, 60)
    return fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels)])


EXTREME = np.array([[-1e308, 1e308, np.inf], [-np.inf, np.nan, 5e-324]])
STRANGERS: dict[str, Callable[[], fits.HDUList]] = {
    "no data": lambda: a_primary(None),
    "two axes": lambda: a_primary(np.arange(12.0).reshape(3, 4)),
    "three axes": lambda: a_primary(np.arange(24.0).reshape(2, 3, 4)),
    "five axes": lambda: a_primary(np.arange(48, dtype=np.int16).reshape(1, 2, 2, 3, 4)),
    "one axis": lambda: a_primary(np.arange(5.0)),
    "one value": lambda: a_primary(np.ones(1)),
    "one pixel": lambda: a_primary(np.ones((1, 1))),
    "no pixel": lambda: a_primary(np.ones((0, 4))),
    "all NaN": lambda: a_primary(np.full((4, 4), np.nan)),
    "some NaN": lambda: a_primary(np.where(np.eye(5) > 0, np.nan, 1.0)),
    "constant": lambda: a_primary(np.full((4, 4), 7, np.int32)),
    "extreme": lambda: a_primary(EXTREME),
    "extreme ramps": lambda: an_extension(EXTREME.reshape(1, 6, 1, 1), EXTNAME="SCI"),
    "NaN ramps": lambda: an_extension(np.full((2, 5, 3, 3), np.nan), EXTNAME="SCI"),
    "extreme line": lambda: a_primary(EXTREME.ravel()),
    "denormal": lambda: a_primary(np.array([[0.0, 5e-324], [1e-323, 0.0]])),
    "large integers": lambda: a_primary(np.array([[2**63 - 1, -(2**63)], [0, 1]])),
    "bytes": lambda: a_primary(np.arange(256, dtype=np.uint8).reshape(16, 16)),
    "long and thin": lambda: a_primary(np.arange(9000.0).reshape(1, 9000)),
    "odd names": lambda: an_extension(np.eye(3), EXTNAME="a $\\frac{x$ {", BUNIT="$\\nu_"),
    "EXTVER": lambda: an_extension(np.eye(3), EXTNAME="SCI", EXTVER=7),
    "scaled": lambda: an_extension(np.eye(3, dtype=np.int16), BSCALE=0.5, BZERO=3.0),
    "ramps of one group": lambda: an_extension(ramps(5, 1, 4, 4), EXTNAME="SCI"),
    "ramps of floats": lambda: an_extension(ramps().astype(">f4"), EXTNAME="SCI"),
    "no rows": lambda: a_table(fits.Column("A", "J", array=np.zeros(0, "i4"))),
    "strings": lambda: a_table(fits.Column("A", "5A", array=["$a^", ""])),
    "logicals": lambda: a_table(fits.Column("A", "3L", array=np.eye(3, dtype=bool))),
    "bits": lambda: a_table(fits.Column("A", "9X", array=np.ones((2, 9), bool))),
    "complex": lambda: a_table(fits.Column("A", "C", array=np.array([1 + 2j]))),
    "no columns": lambda: fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU()]),
    "ASCII": lambda: fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.TableHDU.from_columns([fits.Column("A", "F8.3", array=[1.5, 2.5], ascii=True)]),
        ]
    ),
    "compressed": a_compressed_image,
}


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize("make", STRANGERS.values(), ids=STRANGERS)
def test_files_of_strangers_are_shown(
    make: Callable[[], fits.HDUList], tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.fits"
    make().writeto(path, output_verify="ignore")
    recwarn.clear()
    shown = page(path)
    width, height = size_of(png(shown))
    assert width == 1200
    assert 100 < height < 2000
    assert shown.panels or shown.notes
    assert [str(one.message) for one in recwarn.list] == []


def test_planes_are_named_by_what_is_known_of_them(tmp_path: Path) -> None:
    a_primary(np.zeros((2, 3, 4, 5))).writeto(tmp_path / "radio.fits")
    (panel,) = page(tmp_path / "radio.fits").panels
    assert isinstance(panel, ImagePanel)
    assert panel.title == "0 PRIMARY: plane 2 of 2, 3 of 3"
    assert panel.message == "every pixel is 0"


def test_long_axes_are_thinned_and_it_is_told(tmp_path: Path) -> None:
    pixels = np.arange(2 * MAX_SIDE + 1).astype(np.int32) * np.ones((3, 1), np.int32)
    a_primary(pixels).writeto(tmp_path / "a.fits")
    (panel,) = page(tmp_path / "a.fits").panels
    assert isinstance(panel, ImagePanel)
    assert panel.caption.endswith(", every 3rd pixel shown")
    assert panel.size == (2 * MAX_SIDE + 1, 3)
    assert (panel.pixels == pixels[::3, ::3]).all()


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    images = [fits.ImageHDU(np.eye(3), name=f"N{number}") for number in range(MAX_SHOWN + 2)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "a.fits")
    shown = page(tmp_path / "a.fits")
    assert len(shown.panels) == MAX_SHOWN
    assert shown.notes[1] == f"Not shown, beyond the first {MAX_SHOWN}: 13 N12, 14 N13"
    png(shown)


@pytest.mark.parametrize(
    ("make", "before", "after", "note"),
    [
        (
            lambda: an_extension(np.eye(3), EXTNAME="ODD"),
            b"XTENSION= 'IMAGE   '",
            b"XTENSION= 'FOREIGN '",
            "Not shown, an unknown extension: 1 ODD",
        ),
        (
            lambda: fits.HDUList(
                [
                    fits.GroupsHDU(
                        fits.GroupData(
                            np.ones((2, 1, 3, 3)), bitpix=-32, parnames=["A"], pardata=[[1.0, 2.0]]
                        )
                    )
                ]
            ),
            b"",
            b"",
            "Not shown, random groups: 0 PRIMARY",
        ),
        (
            lambda: a_table(fits.Column("A", "J", array=[1])),
            b"TTYPE1  = 'A       '          ",
            b"ZTABLE  =                    T",
            "Not shown, a compressed table: 1",
        ),
    ],
)
def test_what_cannot_be_shown_is_told(
    tmp_path: Path, make: Callable[[], fits.HDUList], before: bytes, after: bytes, note: str
) -> None:
    path = tmp_path / "a.fits"
    make().writeto(path)
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))
    assert note in page(path).notes
    png(page(path))


def test_a_line_is_drawn(tmp_path: Path) -> None:
    a_primary(np.arange(200_000.0)).writeto(tmp_path / "a.fits")
    panel = one_of(page(tmp_path / "a.fits"), LinePanel)
    assert isinstance(panel, LinePanel)
    assert len(panel.values) == 50_000
    assert panel.caption.endswith("every 4th value shown")


def test_the_verb_writes_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exposure(tmp_path / "exposure.fits", ramps())
    result = run("exposure.fits")
    assert (result.exit_code, result.output) == (0, "wrote exposure.png\n")
    first = Path("exposure.png").read_bytes()
    width, height = size_of(first)
    assert width == 1200
    assert 800 < height < 1200
    for forbidden in (b"Software", b"matplotlib", b"tIME"):
        assert forbidden not in first
    # The user's settings and directory make no difference.
    Path("matplotlibrc").write_text("figure.facecolor: red\nfont.size: 30\n")
    command = [sys.executable, "-m", "fitsgen", "preview", "exposure.fits", "-o", "again.png"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "TZ": "UTC+3"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert Path("again.png").read_bytes() == first


def test_a_picture_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path, target = exposure(tmp_path / "a.fits", ramps()), tmp_path / "a.png"
    target.write_text("mine")
    result = run(path, "-o", target)
    assert result.exit_code == 1
    assert "exists; --overwrite replaces it" in result.output
    assert target.read_text() == "mine"
    assert run(path, "-o", target, "--overwrite").exit_code == 0
    assert size_of(target.read_bytes())


@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a"])
def test_no_other_format_is_written(tmp_path: Path, name: str) -> None:
    path = exposure(tmp_path / "a.fits", ramps())
    result = run(path, "-o", tmp_path / name)
    assert result.exit_code == 2
    assert "does not end in .png, and no other format is written" in result.output
    assert list(tmp_path.iterdir()) == [path]


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damaged, "the data are cut short"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("some text"), "is no FITS file"),
        (Path.unlink, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    path = exposure(tmp_path / "a.fits", ramps())
    damage(path)
    result = run(path, "-o", tmp_path / "a.png")
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "a.png").exists()


def test_warnings_of_the_file_are_shown(tmp_path: Path) -> None:
    path = exposure(tmp_path / "a.fits", ramps())
    path.write_bytes(path.read_bytes() + b"more")
    result = run(path, "-o", tmp_path / "a.png")
    assert result.exit_code == 0
    assert "4 bytes after the last HDU are ignored" in result.output


def test_without_matplotlib_it_is_told_what_to_do(tmp_path: Path) -> None:
    path = exposure(tmp_path / "a.fits", ramps())
    code = (
        "import sys; sys.modules['matplotlib'] = None;"
        "from fitsgen.cli import main; main(['preview', 'a.fits'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: a preview needs matplotlib, which is not installed\n"
        "  hint: pip install 'fitsgen[plot]'\n1 error\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_help_needs_no_library() -> None:
    code = (
        "import sys; sys.argv = ['fitsgen', 'preview', '--help']\n"
        "import fitsgen.cli\n"
        "try: fitsgen.cli.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('matplotlib', 'numpy', 'astropy') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.endswith("\n[]\n")


def test_little_is_read_of_a_large_file(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A cube of 2 GiB, and a table with a row of 400 MB: the memory is that of matplotlib."""
    shape = (4, 64, 2048, 2048)
    path = exposure(tmp_path / "large.fits", np.zeros((1, 1, 1, 1), np.uint16))
    with fits.open(path) as small:
        primary, science = small[0].header, small[1].header
    primary["NINTS"], primary["NGROUPS"] = shape[:2]
    science.update({f"NAXIS{4 - axis}": length for axis, length in enumerate(shape)})
    heads = (primary.tostring() + science.tostring()).encode()
    table = fits.BinTableHDU.from_columns([fits.Column("A", "2E", array=np.zeros((1, 2)))]).header
    table["NAXIS1"], table["TFORM1"] = 400_000_000, "100000000E"
    with path.open("wb") as file:
        file.write(heads)
        file.seek(len(heads) + 2 * int(np.prod(shape)))
        file.write(table.tostring().encode())
        file.truncate(file.tell() + -(-400_000_000 // 2880) * 2880)
    code = "from fitsgen.cli import main\ntry: main(['preview', 'large.fits'])\n"
    code += f"finally: print({PEAK})"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    wrote, peak = result.stdout.split("\n")[:2]
    assert wrote == "wrote large.png"
    assert int(peak) < 450 * 1024
    record_property("figure", f"a preview of 2.5 GB took {int(peak) >> 10} MiB")


def test_errors_of_an_input_are_errors(tmp_path: Path) -> None:
    path = exposure(tmp_path / "a.fits", ramps())
    path.write_bytes(
        path.read_bytes().replace(b"BITPIX  =                   16", b"BITPIX  = 17".ljust(30), 1)
    )
    with pytest.raises(InputError, match="BITPIX is 17"):
        read_page(path)
