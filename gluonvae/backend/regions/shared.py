"""What the regions of a process share."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager

KEPT, MOST_THREADS, LISTENER, LAST_TEAM = range(4)
"""The memory that a pass has left for the next one, or 0: to have the system give and take many megabytes in each pass
would take longer than the pass. The most threads that a region takes, or 0 for as many as there are. The file to which
a backward pass writes the address of each gradient of a parameter, an int64, as soon as it is computed, or 0. How many
threads the last region took: more of them sleep."""

_words = array("q", [0, 0, 0, 0])


def address() -> int:
    """Return the address of the words."""
    return _words.buffer_info()[0]


def most_threads() -> int:
    """Return the most threads that a region takes, or 0 for as many as there are."""
    return _words[MOST_THREADS]


def set_most_threads(count: int) -> None:
    """Set how many threads a region takes at most: what it computes stays the same to the bit."""
    _words[MOST_THREADS] = count


@contextmanager
def announcing(file: int) -> Iterator[None]:
    """Context manager of backward passes that write to a file which gradients are computed, see ``LISTENER``."""
    _words[LISTENER] = file
    try:
        yield
    finally:
        _words[LISTENER] = 0
