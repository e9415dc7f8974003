"""Damaged tile-compressed images, decoded one after another by a process that each may end.

In: as arguments, a seed and how many. Out: on standard output a JSON object, with what became of
how many; and the content of one that ended its process, in base64.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import re
import sys
from collections import Counter
from functools import partial
from typing import NoReturn

import numpy as np
from astropy.io import fits

from fitsgen.inputs import decoder
from fitsgen.limits import Limits

COMPRESSIONS = ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1")
KEYWORDS = "ZBITPIX ZNAXIS ZNAXIS1 ZNAXIS2 ZTILE1 ZTILE2 ZVAL1 ZVAL2 THEAP NAXIS2".split()
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 16, 31, 33, 64, 100, -1, -32, -64, 2**15, 2**31, 2**63)
LIMITS = Limits(2**30, 60.0)


def compressed(compression: str, dtype: str) -> bytes:
    """Return a FITS file of a compressed image of 32 x 32 small numbers."""
    pixels = np.random.default_rng(1).integers(0, 100, (32, 32)).astype(dtype)
    tile = (16, 32) if compression == "HCOMPRESS_1" else None
    image = fits.CompImageHDU(pixels, compression_type=compression, tile_shape=tile)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(file)
    return file.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Change the header, the descriptors of tiles, single bytes of them, or many."""
    made = bytearray(content)
    begin = -(-(made.index(b"END" + b" " * 77, 2880) + 80) // 2880) * 2880
    what = chance.choice(["header", "descriptors", "bytes", "noise"])
    if what == "header":
        card = re.search(rf"{chance.choice(KEYWORDS):8}=".encode(), content)
        if card:
            made[card.end() + 1 : card.end() + 21] = b"%20d" % chance.choice(NUMBERS)
    end = begin + 256 if what == "descriptors" else len(made)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        made[chance.randrange(begin, end)] = chance.choice([0, 1, 127, 128, 255])
    if what == "noise":
        at = chance.randrange(begin, len(made) - 32)
        made[at : at + 32] = chance.randbytes(32)
    return bytes(made)


def outcomes(contents: list[bytes]) -> list[str]:
    """Decode them as the decoder does: in a child, and after it died in another one."""
    found: list[str] = []
    while len(found) < len(contents):
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            decode(contents[len(found) :], theirs)
        os.close(theirs)
        with os.fdopen(ours, "rb") as answers:
            found += [
                {b"d": "decoded"}.get(one, "refused") for one in iter(partial(answers.read, 1), b"")
            ]
        if os.waitpid(child, 0)[1]:
            found.append("died")
    return found


def decode(contents: list[bytes], answers: int) -> NoReturn:
    """Be the child."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    LIMITS.impose(processors=1)
    for content in contents:
        try:
            decoder.write(decoder.decoded(content), io.BytesIO())
            os.write(answers, b"d")
        except Exception:
            os.write(answers, b"r")
    os._exit(0)


def main() -> None:
    seed, count = map(int, sys.argv[1:])
    chance = random.Random(seed)
    originals = [compressed(one, dtype) for one in COMPRESSIONS for dtype in ("i2", "i4")]
    contents = [damaged(originals[number % len(originals)], chance) for number in range(count)]
    found = outcomes(contents)
    deadly = contents[found.index("died")] if "died" in found else b""
    print(json.dumps({"counts": Counter(found), "deadly": base64.b64encode(deadly).decode()}))


if __name__ == "__main__":
    main()
