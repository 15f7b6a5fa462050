"""Memory of a call, which serves the next call of the graph when it is done with."""

from __future__ import annotations

from numba import carray

from ..direct import HANDLES, KEPT, SIZE_OF_BLOCK
from .native import allocate, compiled, exchange, release, words
from .tensors import word_of

CLOSED = -1
"""What is where memory is kept, once the graph is gone."""


@compiled
def take_block(call, size):
    """Return memory of a call, of so many bytes, 0 where there is none."""
    block = exchange(word_of(call, KEPT), 0)
    if block > 0:
        if word_of(block, SIZE_OF_BLOCK) >= size:
            return block
        release_block(block)
    place = allocate(size + 128)
    if place == 0:
        return 0
    block = (place + 127) // 64 * 64
    carray(words(block - 8), 1)[0] = place
    carray(words(block), HANDLES)[SIZE_OF_BLOCK] = size
    return block


@compiled
def release_block(block):
    """Release the memory."""
    release(word_of(block - 8, 0))


@compiled
def leave_block(kept, block):
    """Keep the memory for the next call of the graph, if that is still there."""
    before = exchange(kept, block)
    if before == CLOSED:
        before = exchange(kept, CLOSED)
    if before > 0:
        release_block(before)
