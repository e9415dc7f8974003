"""`fitsgen simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitsgen.cli.limited import limited
from fitsgen.cli.options import overwrite_option
from fitsgen.cli.report import reported, show

if TYPE_CHECKING:
    from fitsgen.simulate.exposure import Plan

PARTS = ("bias", "dark", "photon-noise", "read-noise", "nonlinearity", "saturation", "drift")

_POSITIVE = click.IntRange(min=1)
_NATURAL = click.IntRange(min=0)


@click.command("simulate")
@click.argument("mode", metavar="MODE")
@click.option(
    "--scene", help="uniform:RATE, grid:..., traces:..., a list of points or a FITS image."
)
@click.option("--seed", type=_NATURAL, default=1, show_default=True, help="Of the random numbers.")
@click.option("--nints", type=_POSITIVE, help="Integrations.")
@click.option("--ngroups", type=_POSITIVE, help="Groups in an integration.")
@click.option(
    "--nframes", type=_POSITIVE, help="Frames in a group.  [default: 1; of NRSIRS2 readout 5]"
)
@click.option(
    "--groupgap", type=_NATURAL, default=0, show_default=True, help="Frames dropped between groups."
)
@click.option("--subarray", metavar="NAME", help="The window that is read.  [default: FULL]")
@click.option("--detector", metavar="NAME", help="Another detector of the instrument.")
@click.option("--filter", "filter_", metavar="NAME", help="The filter.")
@click.option("--pupil", metavar="NAME", help="The pupil.")
@click.option("--grating", metavar="NAME", help="The grating.")
@click.option("--readpatt", metavar="NAME", help="The readout pattern.")
@click.option(
    "--rays", type=click.FloatRange(min=0), default=0.0, help="Cosmic rays a pixel and second."
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(PARTS),
    help="Leave out a part of the detector model.",
)
@click.option(
    "--parameters",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Parameters of the detector.",
)
@click.option(
    "-o",
    "--output",
    metavar="DIRECTORY",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go; it is made if it is missing.",
)
@click.option(
    "--crds",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Add the references to a cache from which the pipeline takes them by itself.",
)
@overwrite_option
@limited
def simulate_verb(mode: str, output: Path, crds: Path | None, overwrite: bool, **wish: Any) -> None:
    """Simulate an exposure, and the reference files that belong to it.

    Makes the raw file as the ground system writes it, the exposure
    (jw..._uncal.fits), the truth, and the references of the same detector.

    \b
    Example: fitsgen simulate nircam_image --scene grid:500 --subarray SUB64P -o sim
    """
    from fitsgen.cli.report import progress_bar
    from fitsgen.simulate.crds import Use, add
    from fitsgen.simulate.making import make

    with reported():
        plan = _plan(mode, **wish)
        output.mkdir(parents=True, exist_ok=True)
        with progress_bar() as advance:
            made = make(
                plan,
                output,
                overwrite=overwrite,
                advance=advance,
                tell=lambda path: click.echo(f"wrote {path}"),
            )
        show(made.problems)
        if crds:
            detector, exp_type = plan.mode.detector, plan.mode.exp_type
            use = Use(detector.instrument, detector.name, exp_type, plan.readpatt, plan.area_name)
            add(crds, use, made.references)
            click.echo(f"added {len(made.references)} references to {crds}")


def _plan(
    mode: str,
    *,
    scene: str | None,
    seed: int,
    nints: int | None,
    ngroups: int | None,
    nframes: int | None,
    groupgap: int,
    subarray: str | None,
    detector: str | None,
    readpatt: str | None,
    rays: float,
    without: Sequence[str],
    parameters: Path | None,
    filter_: str | None,
    pupil: str | None,
    grating: str | None,
) -> Plan:
    from fitsgen.simulate.planning import Wish, plan

    keywords = {"FILTER": filter_, "PUPIL": pupil, "GRATING": grating}
    return plan(
        Wish(
            mode=mode,
            scene=scene,
            seed=seed,
            integrations=nints,
            groups=ngroups,
            frames=nframes,
            gap=groupgap,
            subarray=subarray,
            detector=detector,
            readpatt=readpatt,
            rays=rays,
            without=frozenset(without),
            parameters=parameters,
            keywords={key: value for key, value in keywords.items() if value is not None},
        )
    )
