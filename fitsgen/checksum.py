"""The sum that DATASUM and CHECKSUM are made of (FITS Standard 4.0, section 4.4.2.7, appendix J).

In: bytes, in pieces of any size. Out: their 32-bit ones' complement sum, big-endian.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from fitsgen.blocks import BLOCK

Buffer: TypeAlias = bytes | bytearray | memoryview

MODULUS = 2**32 - 1
"""All bits set: the sum of a whole HDU whose CHECKSUM is right."""

# What Python adds up sooner than NumPy is imported.
_SMALL = 1 << 16


def data_sum(pieces: Iterable[Buffer], fill: bytes = b"\0") -> int:
    """Return DATASUM as a number.

    Parameters:
        pieces: the data, with or without padding.
        fill: the byte that pads the data to a multiple of 2880; blanks count, zeros do not.
    """
    total, size, odd = 0, 0, b""
    for piece in pieces:
        view = memoryview(piece)
        size += view.nbytes
        if odd or view.nbytes % 4:
            joined = odd + view.tobytes()
            cut = len(joined) // 4 * 4
            view, odd = memoryview(joined)[:cut], joined[cut:]
        total = add(total, word_sum(view))
    return add(total, word_sum(odd + fill * (-size % BLOCK)))


def add(left: int, right: int) -> int:
    """Return the ones' complement sum of two numbers, both below 2**32 or not."""
    total = left + right
    while total >> 32:
        total = (total & MODULUS) + (total >> 32)
    return total


def word_sum(words: Buffer) -> int:
    """Return the sum of a whole number of words."""
    view = memoryview(words)
    if view.nbytes <= _SMALL:
        number = int.from_bytes(view, "big")
        # The remainder is the sum but for minus zero, which is all bits.
        return number % MODULUS or (MODULUS if number else 0)
    import numpy as np

    # A sum of 64 bits holds 2**32 words, which is more than a piece has.
    return add(int(np.frombuffer(view, np.uint8).view(">u4").sum(dtype=np.uint64)), 0)
