"""Which part of a batch, and of its noise, a worker has."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..backend.structures import map_structure
from ..backend.types import Structure


class Within(NamedTuple):
    """Some rows of a batch: what is drawn for them is drawn for the whole batch, so that it does not depend on them."""

    rows: int
    """Of the batch."""
    part: slice


class Share(NamedTuple):
    """One of the parts into which rows are shared out.

    The parts follow each other, and none has more than one row more than another. Where there are fewer rows than
    parts, some have none.
    """

    rank: int = 0
    size: int = 1

    def part(self, rows: int) -> slice:
        """Return which of so many rows are in the part."""
        return slice(self.rank * rows // self.size, (self.rank + 1) * rows // self.size)

    def within(self, rows: int) -> Optional[Within]:
        """Return where the part lies in so many rows; None where it is all of them."""
        return None if self.size == 1 else Within(rows, self.part(rows))


WHOLE = Share()
"""All rows."""


def rows_of(structure: Structure, part: slice) -> Structure:
    """Return some rows of tensors ``(B, size)`` or ``(k, B, size)``, such as the noise of a batch.

    Raises
    ------
    ValueError
        For no rows, of which MXNet has no tensors.
    """
    if part.start is not None and part.start >= part.stop:
        raise ValueError("no row is wanted: where a worker has no part of a batch it computes nothing")
    return map_structure(lambda leaf: leaf[part] if leaf.ndim == 2 else leaf[:, part], structure)
