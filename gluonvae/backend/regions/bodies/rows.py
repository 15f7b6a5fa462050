"""What part of the rows, units or numbers of an operator a thread computes."""

from __future__ import annotations

from .native import compiled


@compiled
def share(count, smallest, part, parts):
    """Return the first and the end of a thread's part of ``count``, in pieces of at least ``smallest``."""
    pieces = max(count // smallest, 1)
    first, end = pieces * part // parts * smallest, pieces * (part + 1) // parts * smallest
    return first, count if part == parts - 1 else end
