"""Parts of a program in which every thread can take its rows through all instructions."""

from __future__ import annotations

from typing import NamedTuple


class Segment(NamedTuple):
    """Instructions of which all have the same rows of data, and the same number of samples of them."""

    instructions: list[int]
    rows: set[int]

    @property
    def base(self) -> int:
        """The rows of data."""
        return min(self.rows)

    @property
    def sampled(self) -> int:
        """The rows of all samples of them."""
        return max(self.rows)

    reduced: set[int]
    """The rows of what is computed of all samples together, which are those of data."""

    def fits(self, rows: set[int], reduced: set[int]) -> bool:
        """Whether an instruction over such rows can be added."""
        of_all = self.rows | rows
        base = min(of_all)
        return len(of_all) < 3 and max(of_all) % base == 0 and self.reduced | reduced <= {base}
