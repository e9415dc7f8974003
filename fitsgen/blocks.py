"""The cards and blocks that FITS files are made of (FITS Standard 4.0, sections 3.1 and 3.3).

In: nothing. Out: their sizes in bytes, for what reads files and for what writes them.
"""

from __future__ import annotations

CARD = 80
BLOCK = 2880


def padded(size: int) -> int:
    """Return a number of bytes rounded up to whole blocks."""
    return -(-size // BLOCK) * BLOCK
