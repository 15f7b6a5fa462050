"""Memory that begins where a cache line does, and what passes leave of it for each other."""

from __future__ import annotations

from ..lines import LINE
from .native import compiled, exchange, free, malloc, word_of, words

KEPT_FROM = 2**20
"""Bytes of memory from which on it is kept; malloc keeps what is smaller itself."""


@compiled
def whole_lines(size):
    """The bytes of whole cache lines that so many bytes take."""
    return (size + (LINE - 1)) // LINE * LINE


@compiled
def allocate(size):
    """The address of memory of so many bytes, where a cache line begins; 0 where there is none."""
    # malloc's own aligned memory would leave holes that are too small for the next of the same size
    place = malloc(whole_lines(size) + 2 * LINE)
    if place == 0:
        return 0
    aligned = whole_lines(place + 8)
    words(aligned - 8)[0] = place
    return aligned


@compiled
def release(place):
    """Give back memory that was allocated; of 0 there is none."""
    if place != 0:
        free(word_of(place - 8, 0))


@compiled
def take_memory(kept, size):
    """Return the address of so many bytes, of what is kept where they are as many; 0 of none, and where memory has run
    out."""
    if size < KEPT_FROM:
        return allocate(size) if size > 0 else 0
    block = exchange(kept, 0)  # another thread finds nothing, and has memory of its own
    if block != 0 and words(block)[0] < size:
        release(block)
        block = 0
    if block == 0:
        block = allocate(size + LINE)
        if block == 0:
            return 0
        words(block)[0] = size
    return block + LINE


@compiled
def leave_memory(kept, size, memory):
    """Keep memory that was taken for whoever takes some next."""
    if size < KEPT_FROM:
        release(memory)
        return
    before = exchange(kept, memory - LINE)
    if before != 0:
        release(before)
