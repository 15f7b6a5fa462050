"""Signals that are put off during a pass."""

from __future__ import annotations

import signal

from .native import compiled, set_signal_mask, stack_words, words

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
