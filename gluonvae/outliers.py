"""The value of a batch that stands out: what to look for where a term of a bound is not finite."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np

OUTLYING = 100.0
"""From how many spreads on a value is told as an outlier."""


class Outlier(NamedTuple):
    """A value, and where it is."""

    row: int
    """In the batch."""
    column: int
    value: float
    typical: float
    """The middle of the batch's other values in that column."""
    spreads: float
    """How far from there, in units of the median distance."""

    def describe(self, rows: Optional[np.ndarray] = None, of: str = "data") -> str:
        """Say what it is and where, in the data or labels of which the batch is ``rows``."""
        place = f"column {self.column} of {row_name(self.row, rows, of)}"
        return f"{place} is {self.value:.6g}, where the other rows have about {self.typical:.3g}"


def row_name(row: int, rows: Optional[np.ndarray] = None, of: str = "data") -> str:
    """Return what messages call a row of a batch, which is ``rows`` of a data set or, left out, of none."""
    return f"row {row} of the batch" if rows is None else f"row {rows[row]} of the {of}"


def find_outlier(values: np.ndarray, among: Optional[np.ndarray] = None) -> Optional[Outlier]:
    """Find the value that is farthest from the others of its column; NaN stands for one that is missing.

    Parameters
    ----------
    values : np.ndarray
        A batch, ``(B, X)``.
    among : np.ndarray, optional
        Numbers of the rows that are looked at; all by default.

    Returns
    -------
    Outlier or None
        None where no value is :data:`OUTLYING`.
    """
    middle, spreads = _spreads(values)
    rows = np.arange(len(values)) if among is None else among
    place, column = np.unravel_index(np.argmax(spreads[rows]), (len(rows), values.shape[1]))
    row = int(rows[place])
    if spreads[row, column] < OUTLYING:
        return None
    return Outlier(row, int(column), float(values[row, column]), float(middle[column]), float(spreads[row, column]))


def without(values: np.ndarray, outlier: Outlier) -> np.ndarray:
    """Return a batch with the middle of its column in the place of an outlier, and of all that are like it.

    Those are like it that are on its side of the geometric mean of its distance and the spread.
    """
    middle, spreads = _spreads(values)
    return np.where(spreads >= np.sqrt(outlier.spreads), middle, values).astype(values.dtype)


def _spreads(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of each column, ``(X,)``, and how far each value is from it in spreads, ``(B, X)``.

    A spread is the median distance in the column or, if this is larger, in the batch: a column may be constant.
    """
    missing, wrong = np.isnan(values), ~np.isfinite(values)
    values = np.where(wrong, np.nan, values).astype(np.float64)
    values[:, wrong.all(axis=0)] = 0
    # two rows say nothing of each column: its middle would lie as far from one as from the other
    axis = 0 if len(values) > 2 else None
    middle = np.nanmedian(values, axis=axis) + np.zeros(values.shape[1])
    distance = np.abs(values - middle)
    spread = np.maximum(np.nanmedian(distance, axis=axis), np.nanmedian(distance))
    spreads = distance / np.where(spread > 0, spread, 1)
    return middle, np.where(missing, 0, np.where(wrong, np.inf, spreads))
