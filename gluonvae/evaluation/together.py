"""Numbers of data points that several workers compute, each those of its own."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..batches import Data
from ..data import Stream
from ..distributed.group import Group
from ..distributed.joining import current


def check_same_data(data: Data) -> None:
    """Raise ValueError, in all workers, where one has other data than rank 0, of which each would compute its rows."""
    group = current()
    if not group.is_alone:
        read = isinstance(data, Stream) or data.store.reads_ahead
        group.check_same({"data": [data.known_rows, *data.shape] if read else data.digest()})


def of_all_rows(group: Group, terms: int, pieces: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
    """Return the numbers of all data points in their order, the same in all workers.

    Parameters
    ----------
    group : Group
        The workers.
    terms : int
        How many numbers a data point has.
    pieces : iterable of tuple
        Where some rows of this worker begin in the data, and their numbers, ``(terms, n)``.

    Returns
    -------
    numpy.ndarray
        ``(terms, N)``, float64.

    Raises
    ------
    Exception
        What is raised where the pieces are computed, in all workers.
    """
    found: list[tuple[int, np.ndarray]] = []
    with group.failing_together():
        found.extend(pieces)
    if group.is_alone:
        return np.concatenate([values for _, values in found], axis=1).astype(np.float64)
    count = sum(values.shape[1] for _, values in found)
    table = np.zeros((terms, int(group.sum_numbers(np.array([count]))[0])))
    for start, values in found:
        table[:, start : start + values.shape[1]] = values
    return group.join(table)
