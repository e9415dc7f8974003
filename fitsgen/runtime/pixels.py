"""An array of numbers as a FITS image: its structural cards, and its bytes block by block.

In: an array, lazy or in memory, and what a template demands of BITPIX, BZERO, BSCALE and the
axes. Out: `Encoded`. Where the bytes of a file are those that are wanted they are copied; all
else is computed, checked and encoded in pieces of about 1 MiB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TypeGuard

import numpy as np

from fitsgen.lazy.cast import Misfit
from fitsgen.lazy.gather import File
from fitsgen.lazy.nodes import (
    PIECES,
    Memory,
    Node,
    Stored,
    computed,
    is_constant,
    part,
    slabs,
)
from fitsgen.lazy.pieces import PIECE, Shape, begin, buffer, place_of
from fitsgen.runtime.encoded import (
    SCALING_COMMENTS,
    Block,
    Buffer,
    CardValue,
    DataError,
    Demands,
    Encoded,
    Route,
    StructuralCard,
    check_demands,
    demanded_card,
    leading_cards,
)
from fitsgen.runtime.storage import (
    Storage,
    as_bytes,
    check_piece,
    fits_always,
    pixel,
    stored_type,
    stored_values,
)


def encode_image(node: Node, demands: Demands, *, primary: bool) -> Encoded:
    """Encode numbers of one to 999 axes as an image.

    Raises:
        DataError: where a demand and the data differ; and when the blocks are made, where a
            value does not survive.
    """
    storage = stored_type(node.dtype, demands)
    cards = (
        *leading_cards("IMAGE", storage.type.bitpix, node.shape, primary=primary),
        *_scaling_cards(storage, demands),
    )
    implied = (StructuralCard("PCOUNT", 0, ""), StructuralCard("GCOUNT", 1, ""))
    check_demands(cards + implied, demands, ("NAXIS", "NAXISn", "PCOUNT", "GCOUNT"))
    size = math.prod(node.shape) * storage.type.dtype.itemsize
    certain = isinstance(node, Stored) and fits_always(node.dtype, storage)
    blocks = partial(image_blocks, node, storage)
    return Encoded(cards, size, b"\0", blocks, is_certain=certain, route=_route(node, storage))


def _route(node: Node, storage: Storage) -> Route:
    if is_constant(node):
        return Route.REPEATED
    if isinstance(node, Memory):
        return Route.MEMORY
    copied = _is_stored_so(node, storage) and node.where.flags.c_contiguous
    return Route.COPIED if copied else Route.COMPUTED


def _scaling_cards(storage: Storage, demands: Demands) -> tuple[StructuralCard, ...]:
    made: tuple[tuple[str, CardValue], ...] = ()
    if storage.type.bzero:
        made = (("BSCALE", 1), ("BZERO", storage.type.bzero))
    own = {k: StructuralCard(k, value, SCALING_COMMENTS[k]) for k, value in made}
    demanded = [card for keyword in SCALING_COMMENTS for card in demanded_card(demands, keyword)]
    return tuple((own | {card.keyword: card for card in demanded}).values())


def image_blocks(node: Node, storage: Storage) -> Iterator[Block]:
    """Give the bytes of an image.

    Making a block raises DataError where a value does not survive.
    """
    match _route(node, storage), node:
        case Route.REPEATED, _:
            return _repeated(node, storage)
        case Route.COPIED, Stored():
            return _copied(node)
        case _, Stored() if _is_stored_so(node, storage):
            node = replace(node, as_is=True)
    return _computed(node, storage)


def _computed(node: Node, storage: Storage) -> Iterator[Block]:
    start = 0
    for index in slabs(node):
        slab = part(node, index)
        count = math.prod(slab.shape)
        make = partial(_pieces, slab, storage, start, node.shape)
        yield Block(count * storage.type.dtype.itemsize, make)
        start += count


def _is_stored_so(node: Node, storage: Storage) -> TypeGuard[Stored]:
    """Whether the bytes of pixels in a file are those that are wanted."""
    if not isinstance(node, Stored) or storage.scaled:
        return False
    return node.dtype == storage.type.dtype and node.offset == bool(storage.type.bzero)


def _copied(node: Stored) -> Iterator[Block]:
    first = begin(node.where)
    for start in range(0, node.where.nbytes, PIECES * PIECE):
        size = min(PIECES * PIECE, node.where.nbytes - start)
        yield Block(size, partial(_bytes_of, node.file, first + start, size))


def _bytes_of(file: File, start: int, size: int) -> Iterator[Buffer]:
    """Read what a file has in so many bytes; each piece takes the place of the one before."""
    read = buffer(min(PIECE, size)).data
    for done in range(0, size, PIECE):
        piece = read[: size - done]
        file.fetch(piece, start + done)
        yield piece


def _repeated(node: Node, storage: Storage) -> Iterator[Block]:
    """Encode a part of a constant image, and give it over and over; zeros are not written."""
    count = math.prod(node.shape)
    one = part(node, (slice(0, 1),) * len(node.shape)).read().reshape(-1)
    if not fits_always(node.dtype, storage):
        check_piece(one, storage, 0, node.shape)
    repeated = np.broadcast_to(one, min(count, PIECE // 8))
    block = as_bytes(stored_values(repeated, storage))
    size = count * storage.type.dtype.itemsize
    if not any(block[: storage.type.dtype.itemsize]):
        yield Block(size)
        return
    for start in range(0, size, len(block)):
        rest = block[: size - start]
        yield Block(len(rest), partial(tuple[Buffer], (rest,)))


def _pieces(node: Node, storage: Storage, start: int, shape: Shape) -> Iterator[Buffer]:
    """Compute and encode a part of an image; `start` is the place of its first pixel there."""
    as_is = isinstance(node, Stored) and node.as_is
    checks = not as_is and not fits_always(node.dtype, storage)
    try:
        for values in computed(node):
            if checks:
                check_piece(values, storage, start, shape)
            if as_is:
                yield as_bytes(np.ascontiguousarray(values))
            else:
                yield as_bytes(stored_values(values, storage))
            start += values.size
    except Misfit as error:
        at = pixel(place_of(start + error.index, shape))
        raise DataError(f"{at} is {error}") from None
