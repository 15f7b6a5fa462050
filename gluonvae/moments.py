"""Rows of data in blocks, and the mean and spread of each column: what a model takes from its training data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

VALUES_AT_ONCE = 2**17
"""Largest number of values in a block, which is then in a processor's cache while it is looked at."""


class RowBlocks:
    """An array's rows in blocks of float64, which can be iterated over several times.

    Parameters
    ----------
    values : numpy.ndarray
        ``(N, ...)``; of a memory-mapped file no more than a block is read at once.
    divisor : float
        What each value is divided by.
    """

    def __init__(self, values: np.ndarray, divisor: float = 1.0) -> None:
        self._values, self._divisor = values, divisor

    def __iter__(self) -> Iterator[np.ndarray]:
        values = self._values
        rows = max(1, VALUES_AT_ONCE * len(values) // max(values.size, 1))
        for start in range(0, len(values), rows):
            block = values[start : start + rows]
            yield block.reshape(len(block), -1).astype(np.float64) / self._divisor


def column_moments(blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Compute the mean and the standard deviation of each column, of the values that are not NaN.

    The moments of blocks are put together as in Chan, Golub and LeVeque 1983, equation 2.1, so that no digits are lost
    where a column lies far from 0.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray
        ``(n, X)`` each, float64.

    Returns
    -------
    mean, std : numpy.ndarray
        ``(X,)`` each; 0 in a column of NaN alone. The variance is divided by N.
    """
    count = mean = squares = np.zeros(1)
    for block in blocks:
        observed = ~np.isnan(block)
        of_block = observed.sum(axis=0)
        middle = np.where(observed, block, 0).sum(axis=0) / np.maximum(of_block, 1)
        distance = np.where(observed, block - middle, 0)
        total = np.maximum(count + of_block, 1)
        shift = middle - mean
        squares = squares + np.square(distance).sum(axis=0) + np.square(shift) * count * of_block / total
        mean, count = mean + shift * of_block / total, count + of_block
    return mean, np.sqrt(squares / np.maximum(count, 1))
