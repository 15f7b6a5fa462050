"""What part of the rows, units or numbers of an operator a thread computes."""

from __future__ import annotations

from .native import compiled


@compiled
def share(count, smallest, part, parts):
    """Return the first and the end of a thread's part of ``count``, in pieces of at least ``smallest``."""
    pieces = max(count // smallest, 1)
    first, end = pieces * part // parts * smallest, pieces * (part + 1) // parts * smallest
    return first, count if part == parts - 1 else end


@compiled
def start_of(rows, pieces, piece):
    """The first row of a piece of so many, as equal as can be."""
    return rows * piece // pieces


@compiled
def piece_of(rows, pieces, row):
    """The piece that a row is of."""
    return ((row + 1) * pieces - 1) // rows


@compiled
def share_pieces(rows, pieces, part, parts):
    """Return the first row of a thread's pieces and the end of them."""
    first, end = share(pieces, 1, part, parts)
    return start_of(rows, pieces, first), start_of(rows, pieces, end)
