"""Memory that passes leave for each other, and signals that are put off during a pass."""

from __future__ import annotations

import signal

from ..lines import LINE
from .native import allocate, compiled, exchange, release, set_signal_mask, stack_words, words

KEPT_FROM = 2**20
"""Bytes of memory from which on it is kept; malloc keeps what is smaller itself."""


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


SIGNAL_SET = 16
"""The words of a set of signals."""
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT)
_PUT_OFF = ~sum(1 << (number - 1) for number in _FAULTS)
_SETS = int(signal.SIG_SETMASK)


@compiled
def put_off_signals(before):
    """Put off all signals of the calling thread but those of faults, and write which were put off before.

    Kernels of oneDNN's :data:`sgemm` put their stack pointer into memory of the heap, where a signal's handler would
    overwrite what is beside it.
    """
    these = stack_words(SIGNAL_SET)
    word = words(these)
    for i in range(SIGNAL_SET):
        word[i] = 0
    word[0] = _PUT_OFF
    set_signal_mask(_SETS, these, before)


@compiled
def take_signals(before):
    """Have the calling thread take the signals that it took before."""
    set_signal_mask(_SETS, before, 0)
