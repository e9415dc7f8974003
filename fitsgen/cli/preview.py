"""`fitsgen preview`."""

from __future__ import annotations

from pathlib import Path

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import overwrite_option
from fitsgen.cli.report import reported, show


def _png_name(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() != ".png":
        raise click.BadParameter(f"{path} does not end in .png, and no other format is written")
    return path


@click.command("preview")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    metavar="FILE.png",
    type=click.Path(path_type=Path),
    callback=_png_name,
    help="The image to write.  [default: that of the file's name, where you are]",
)
@overwrite_option
@limited
def preview_verb(file: Path, output: Path | None, overwrite: bool) -> None:
    """Make a picture of a FITS file: images, ramps of some pixels, tables.

    It shows the last group of each image, ramps with their jumps and
    saturation, and the first rows of tables. It needs matplotlib: pip install
    'fitsgen[plot]'.

    \b
    Example: fitsgen preview jw09999001001_02101_00001_nrca1_uncal.fits -o exposure.png
    """
    from fitsgen.runtime.files import check_output, write_bytes

    with reported():
        target = output or Path(file.name.removesuffix(".gz")).with_suffix(".png")
        check_output(target, overwrite, [file])
        from fitsgen.preview.drawing import png, require_matplotlib
        from fitsgen.preview.reading import read_page

        require_matplotlib()
        page, problems = read_page(file)
        show(problems)
        write_bytes(target, png(page), overwrite=overwrite)
        click.echo(f"wrote {target}")
