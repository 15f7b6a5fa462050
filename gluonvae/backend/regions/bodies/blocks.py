"""Memory of a call, which serves the next call of the graph when it is done with."""

from __future__ import annotations

from ..direct import KEPT, SIZE_OF_BLOCK
from .memory import allocate, release
from .native import compiled, exchange, word_of, words

CLOSED = -1
"""What is where memory is kept, once the graph is gone."""


@compiled
def take_block(call, size):
    """Return memory of a call, of so many bytes, 0 where there is none."""
    block = exchange(word_of(call, KEPT), 0)
    if block > 0:
        if word_of(block, SIZE_OF_BLOCK) >= size:
            return block
        release(block)
    block = allocate(size)
    if block != 0:
        words(block)[SIZE_OF_BLOCK] = size
    return block


@compiled
def leave_block(kept, block):
    """Keep the memory for the next call of the graph, if that is still there."""
    before = exchange(kept, block)
    if before == CLOSED:
        before = exchange(kept, CLOSED)
    if before > 0:
        release(before)
