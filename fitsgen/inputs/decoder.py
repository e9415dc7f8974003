"""What the process does that decodes a tile-compressed image.

In: on standard input, a FITS file with a primary header and the image; as arguments, the bytes of
memory and the seconds of a processor that it may take, and the process that waits for it. Out: on
standard output, which is a file, the pixels in NumPy's format; or with status 1 what is wrong.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import IO, TYPE_CHECKING, Any

from fitsgen.limits import Limits, end_with, is_shortage

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main() -> None:
    """Decode the image."""
    memory, seconds, parent = sys.argv[1:4]
    limits = Limits(int(memory), float(seconds))
    end_with(int(parent))
    limits.impose(processors=1)
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)  # What a library may print is not among the pixels.
        try:
            content = sys.stdin.buffer.read()
            write(decoded(content), output)
        # What the decoders raise for damaged data is of every class there is.
        except Exception as error:
            why = "it takes too much memory" if is_shortage(error) else str(error) or repr(error)
            output.seek(0)
            output.truncate()
            output.write(why.encode("utf-8", "replace"))
            output.flush()
            os._exit(1)
    os._exit(0)


def decoded(content: bytes) -> NDArray[Any]:
    """Return the pixels of the image in the first extension of a FITS file.

    Raises
    ------
    Exception
        The image is damaged; the process may end, too.

    """
    import numpy as np
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content)) as hdus:
            return np.array(hdus[1].data, order="C")


def write(pixels: NDArray[Any], output: IO[bytes]) -> None:
    """Write an array; raises `ValueError` for one of objects."""
    import numpy as np

    np.lib.format.write_array(output, pixels, version=(1, 0), allow_pickle=False)
