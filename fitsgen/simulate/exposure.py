"""A mode and a scene to what the ground system would write, and what it was made from.

In: a `Plan`. Out: the raw file in the detector's frame, the data file of the exposure, and
`Truth`: the rates, the cosmic rays and the saturated groups in the science frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fitsgen.blocks import padded
from fitsgen.jwst.corners import corner_keywords, unturned
from fitsgen.jwst.subarrays import Window
from fitsgen.runtime.cards import pad, render_card
from fitsgen.runtime.encoded import CardValue, leading_cards
from fitsgen.runtime.files import whole_file
from fitsgen.runtime.writing import write_all
from fitsgen.simulate.detector import BORDER, Maps, Parameters, make_maps
from fitsgen.simulate.irs2 import LAYOUT, PATTERNS, Layout
from fitsgen.simulate.modes import Area, Mode
from fitsgen.simulate.ramps import Block, Effects, Exposure, Readout
from fitsgen.simulate.scene import Scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIRI_OUTPUTS = 4
"""Science outputs of a MIRI detector; a fifth reads reference values, one for each four pixels."""

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """An exposure to be simulated: all that its bytes depend on.

    configuration
        Keywords of the exposure that a user may set, such as FILTER; they are in the data file.
    start
        Of the exposure, UTC, as ISO 8601 has it.

    """

    mode: Mode
    area_name: str
    area: Area
    parameters: Parameters
    readout: Readout
    effects: Effects
    scene: Scene
    readpatt: str
    configuration: Mapping[str, str]
    seed: int
    start: str = "2026-01-01T00:00:00.000"

    @cached_property
    def window(self) -> Window:
        """The window that is read, in the detector's own frame."""
        detector = self.mode.detector
        if detector.instrument == "MIRI":
            return self.area.window
        return unturned(self.area.window, detector.turn, detector.columns)

    @cached_property
    def maps(self) -> Maps:
        """The maps of the window, in the detector's own frame."""
        detector, window = self.mode.detector, self.window
        rows = 0 if detector.instrument == "MIRI" else BORDER
        shape = (detector.rows, detector.columns)
        whole = make_maps(self.parameters, shape, (rows, BORDER), self.seed)
        return whole.part(
            slice(window.rowstart - 1, window.rowstop),
            slice(window.colstart - 1, window.colstop),
        )

    @cached_property
    def rate(self) -> NDArray[np.float32]:
        """The rates of the scene in DN/s, in the science frame; raises `InputError`."""
        return self.scene.rate((self.area.window.rows, self.area.window.columns))

    @property
    def stem(self) -> str:
        """The archive's name for the exposure, without a suffix."""
        return f"jw09999001001_02101_00001_{self.mode.detector.name.lower()}"

    @property
    def irs2(self) -> Layout | None:
        """How raw frames hold reference pixels that are read in between, where they do."""
        return LAYOUT if self.readpatt in PATTERNS else None

    @property
    def frame_rows(self) -> int:
        """The rows of a raw frame, MIRI's reference output included."""
        rows = self.window.rows
        return rows + rows // MIRI_OUTPUTS if self.has_reference_output else rows

    @property
    def frame_columns(self) -> int:
        """The columns of a raw frame, NIRSpec's reference pixels in between included."""
        return self.irs2.width if self.irs2 else self.window.columns

    @property
    def frame_size(self) -> int:
        """The bytes of a raw frame."""
        return self.frame_rows * self.frame_columns * 2

    @cached_property
    def frame_maps(self) -> Maps:
        """The maps of what a raw frame holds but for MIRI's reference output."""
        if not self.irs2:
            return self.maps
        return self.irs2.maps(self.maps, self.parameters, self.seed)

    @property
    def has_reference_output(self) -> bool:
        """Whether raw frames hold the values of a fifth output above the science rows."""
        return self.mode.detector.instrument == "MIRI"


@dataclass(frozen=True, slots=True)
class Truth:
    """What was put in, in the science frame.

    rate
        DN/s, float32, shape (rows, columns); 0 for pixels that see no light.
    saturated
        The number of groups before the first saturated one, uint16,
        shape (integrations, rows, columns).
    rays
        Cosmic rays: integration, group, row and column, counted from 0, and electrons; a hit
        first shows in its group.

    """

    rate: NDArray[np.float32]
    saturated: NDArray[np.uint16]
    rays: dict[str, NDArray[np.generic]]


def write_raw(
    path: Path, plan: Plan, *, overwrite: bool = False, advance: Advance | None = None
) -> Truth:
    """Write the raw file, in bounded memory, and return what was put in.

    Raises
    ------
    OutputError
        The file cannot be written.
    InputError
        The scene is of another shape than the window.

    """
    import numpy as np

    turn, window, readout = plan.mode.detector.turn, plan.window, plan.readout
    header = raw_header(plan)
    frames = readout.integrations * readout.groups
    exposure = _exposure(plan, turn.undone(plan.rate))
    saturated = np.empty((readout.integrations, window.rows, window.columns), np.uint16)
    hits: list[NDArray[np.float64]] = []
    size = len(header) + padded(frames * plan.frame_size)
    with whole_file(path, overwrite=overwrite, size=size) as file, file.interruptible():
        write_all(file.fd, header, 0)
        for number, block in enumerate(exposure.blocks(), 1):
            _write_block(file.fd, len(header), plan, block)
            block = _without_references(block, plan.irs2)
            saturated[block.integration, block.row : block.row + len(block.saturated)] = (
                block.saturated
            )
            hits.append(_hits(block, readout))
            if advance:
                rows = min(number * len(block.saturated), window.rows * readout.integrations)
                advance(rows, window.rows * readout.integrations)
        if plan.has_reference_output:
            _write_reference_output(file.fd, len(header), plan)
    table = np.concatenate(hits, axis=1)
    rate = np.where(turn.pixels(plan.maps.is_blind), np.float32(0), plan.rate)
    return Truth(rate, turn.pixels(saturated), _turned(table, plan))


def raw_header(plan: Plan) -> bytes:
    """Return the header of the raw file, as the ground system writes it."""
    readout, mode = plan.readout, plan.mode
    shape = (readout.integrations * readout.groups, plan.frame_rows, plan.frame_columns)
    leading = leading_cards("IMAGE", 16, shape, primary=True)
    date, _, time = plan.start.partition("T")
    corners = corner_keywords(mode.detector, plan.window)
    cards: list[tuple[str, CardValue, str]] = [
        *((card.keyword, card.value, card.comment) for card in leading),
        ("BSCALE", 1, "scale of the stored values"),
        ("BZERO", 32768, "offset of the stored values"),
        ("DATE", plan.start, "when the raw file was written"),
        ("DATE-OBS", date, "start of the exposure"),
        ("TIME-OBS", time, "start of the exposure"),
        ("TELESCOP", "JWST", "telescope"),
        ("INSTRUME", mode.detector.instrument, "instrument"),
        ("DETECTOR", mode.detector.name, "detector"),
        ("SCA_ID", mode.detector.sca_id, "detector number"),
        ("EXP_TYPE", mode.exp_type, "type of the exposure"),
        ("READOUT", plan.readpatt, "readout pattern"),
        ("NINT", readout.integrations, "integrations"),
        ("NGROUP", readout.groups, "groups in an integration"),
        ("NFRAME", readout.frames, "frames in a group"),
        ("GROUPGAP", readout.gap, "frames dropped between groups"),
        ("NSAMPLE", 1, "samples of a pixel"),
        ("TSAMPLE", 10.0, "[us] between samples"),
        ("TFRAME", readout.frame_time, "[s] between frames"),
        ("SUBARRAY", plan.area_name, "window"),
        *((key, value, "corner") for key, value in corners.items()),
    ]
    return pad(render_card(key, value, comment) for key, value, comment in cards)


def _exposure(plan: Plan, rate: NDArray[np.float32]) -> Exposure:
    return Exposure(
        maps=plan.frame_maps,
        rate=plan.irs2.interleaved(rate, 0) if plan.irs2 else rate,
        readout=plan.readout,
        effects=plan.effects,
        seed=plan.seed,
        outputs=plan.area.outputs,
        interleaved=plan.has_reference_output,
        irs2=plan.irs2,
    )


def _write_block(fd: int, start: int, plan: Plan, block: Block) -> None:
    groups, _, columns = block.counts.shape
    stored = _stored(block.counts)
    for group in range(groups):
        frame = block.integration * groups + group
        place = start + frame * plan.frame_size + block.row * columns * 2
        write_all(fd, stored[group].data, place)


def _without_references(block: Block, irs2: Layout | None) -> Block:
    """Return what the detector's own pixels saw, with its own columns."""
    if not irs2:
        return block
    rays = replace(block.rays, column=irs2.number[block.rays.column])
    saturated = irs2.normal_pixels(block.saturated)
    return replace(block, counts=irs2.normal_pixels(block.counts), saturated=saturated, rays=rays)


def _write_reference_output(fd: int, start: int, plan: Plan) -> None:
    """Write the values of MIRI's fifth output: its level and noise."""
    import numpy as np

    random = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(9, 0, 0)))
    window, readout, parameters = plan.window, plan.readout, plan.parameters
    rows = plan.frame_rows - window.rows
    for frame in range(readout.integrations * readout.groups):
        level = random.normal(parameters.bias, parameters.read_noise, (rows, window.columns))
        counts = np.clip(np.rint(level), 0, 65535).astype(np.uint16)
        place = start + frame * plan.frame_size + window.rows * window.columns * 2
        write_all(fd, _stored(counts).data, place)


def _stored(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return counts as they are stored with BZERO 32768: the sign bit, the other way round."""
    return (counts ^ 0x8000).astype(">u2")


def _hits(block: Block, readout: Readout) -> NDArray[np.float64]:
    """Return the cosmic rays of a block: integration, group, row, column, electrons."""
    import numpy as np

    rays = block.rays
    # A hit while frames are dropped shows in the group after them.
    since = np.maximum(rays.frame - readout.resets, 0)
    length = readout.frames + readout.gap
    group = since // length + (since % length >= readout.frames)
    integration = np.full(len(group), block.integration)
    return np.stack([integration, group, rays.row + block.row, rays.column, rays.electrons])


def _turned(table: NDArray[np.float64], plan: Plan) -> dict[str, NDArray[np.generic]]:
    """Return cosmic rays with rows and columns in the science frame, in order."""
    import numpy as np

    turn, window = plan.mode.detector.turn, plan.area.window
    integration, group, row, column, electrons = table
    if turn.swaps:
        row, column = column, row
    row = window.rows - 1 - row if turn.reverses_rows else row
    column = window.columns - 1 - column if turn.reverses_columns else column
    order = np.lexsort((column, row, group, integration))
    numbers = {"INTEGRATION": integration, "GROUP": group, "ROW": row, "COLUMN": column}
    return {
        **{name: values[order].astype(np.int32) for name, values in numbers.items()},
        "ELECTRONS": electrons[order].astype(np.float32),
    }
