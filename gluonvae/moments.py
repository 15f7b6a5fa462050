"""Rows of data in blocks, and the mean and spread of each column: what a model takes from its training data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

VALUES_AT_ONCE = 2**17
"""Largest number of values in a block, which is then in a processor's cache while it is looked at."""


class RowBlocks:
    """Rows in blocks of float64, which can be iterated over several times.

    Parameters
    ----------
    read : callable
        Returns the rows of a slice, ``(n, ...)``.
    shape : tuple of int
        ``(N, X)``.
    """

    def __init__(self, read: Callable[[slice], np.ndarray], shape: tuple[int, int]) -> None:
        self._read, self._shape = read, shape

    def __iter__(self) -> Iterator[np.ndarray]:
        count, width = self._shape
        rows = max(1, VALUES_AT_ONCE // width)
        for start in range(0, count, rows):
            block = self._read(slice(start, start + rows))
            yield block.reshape(len(block), -1).astype(np.float64)


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
