"""A conversion, recorded where that is asked for: the way that all conversions go.

In: a `Request`, and how it is to be done. Out: the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fitsgen.compiler import Loaded
from fitsgen.jwst.view import Frame, view
from fitsgen.runtime.convert import Conversion, Options, convert


@dataclass(frozen=True, slots=True)
class Request:
    """What a conversion was asked for.

    template
        As it was given.
    given
        The inputs, as `fitsgen.inputs.open_inputs` takes them.
    frame, subarray
        As `fitsgen.jwst.view.view` takes them, or the frame's text.
    history
        Whether the record is to stand in the file.

    """

    template: str
    loaded: Loaded
    include: Sequence[Path]
    given: Sequence[object]
    parameters: Mapping[str, object]
    frame: Frame | str
    subarray: str | None
    history: bool


def convert_recorded(request: Request, options: Options, path: Path | None = None) -> Conversion:
    """Convert, and record what the file was made from, where that is asked for.

    Parameters
    ----------
    options
        Without a view, which is that of the request.
    path
        Where to write the record as JSON, if it is to be.

    Raises
    ------
    InputError, GenerateError, OutputError
        As `fitsgen.runtime.convert.convert` does; and what `Recorder` raises, also where the file
        is whole.
    ValueError
        There is no such frame.

    """
    options = replace(options, view=view(Frame(request.frame), request.subarray))
    made = partial(convert, request.loaded.file_type, request.given, request.parameters)
    if not (request.history or path):
        return made(options)
    # To record takes imports that other conversions can do without.
    from fitsgen.provenance.recording import Recorder

    recorder = Recorder(request, options, path)
    conversion = made(replace(options, record=recorder.begun))
    recorder.finish(conversion.path)
    return conversion
