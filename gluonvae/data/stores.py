"""Where the values of a data set are kept: arrays, mapped files, sparse matrices, Gluon's data sets.

A store gives rows as they are needed; nothing makes a copy of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Union

import numpy as np

from ..backend.operators import as_numpy
from ..backend.types import DType

Rows = Union[slice, np.ndarray]

BLOCK = 2**18
"""Values that are looked at in one go, where all are: 2 MB of float64."""


class Store:
    """Rows of values, ``(N, X)``.

    Parameters
    ----------
    shape : tuple of int
        ``(N, X)``.
    dtype : DType
        Of what :meth:`take` returns.
    """

    reads_ahead = False
    """Whether it takes time to get at rows, which a thread may do while a model is trained."""

    def __init__(self, shape: tuple[int, int], dtype: DType) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, rows: Rows) -> np.ndarray:
        """Return some rows, ``(B, X)``; of an array in memory a view where that can be."""
        raise NotImplementedError

    def select(self, rows: Rows) -> Store:
        """Return a store of some of the rows."""
        return Selected(self, rows)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield all rows in their order, about :data:`BLOCK` values at a time."""
        size = max(1, BLOCK // self.shape[1])
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))


class InMemory(Store):
    """An array ``(N, X)``."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__((len(values), values.shape[1]), values.dtype)
        self.values = values

    def take(self, rows: Rows) -> np.ndarray:
        return self.values[rows]

    def select(self, rows: Rows) -> Store:
        return InMemory(self.values[rows])


class Mapped(Store):
    """An array ``(N, X)`` or ``(N, *shape)`` that is a file, mapped into memory."""

    reads_ahead = True

    def __init__(self, values: np.ndarray) -> None:
        super().__init__((len(values), math.prod(values.shape[1:])), values.dtype)
        self.values = values

    def take(self, rows: Rows) -> np.ndarray:
        # made rows here: of all values, in Fortran order, they would be a copy
        taken = np.asarray(self.values[rows])
        return taken.reshape(len(taken), self.shape[1])


class Sparse(Store):
    """A sparse matrix ``(N, X)`` of SciPy, of which rows are made dense as they are taken."""

    reads_ahead = True

    def __init__(self, matrix: Any) -> None:
        super().__init__(matrix.shape, matrix.dtype)
        self.matrix = matrix.tocsr()
        if not self.matrix.has_canonical_format:  # values at the same place are to be added up
            self.matrix = self.matrix.copy()
            self.matrix.sum_duplicates()

    def take(self, rows: Rows) -> np.ndarray:
        return self.matrix[rows].toarray()

    def select(self, rows: Rows) -> Store:
        return Sparse(self.matrix[rows])


class Items(Store):
    """The values of a Gluon data set, item by item."""

    def __init__(self, dataset: Any) -> None:
        first = value_of(dataset[0])
        super().__init__((len(dataset), math.prod(first.shape)), first.dtype)
        self.dataset, self.item_shape = dataset, first.shape

    def take(self, rows: Rows) -> np.ndarray:
        chosen = np.arange(len(self))[rows]
        taken = []
        for row in chosen:
            value = value_of(self.dataset[int(row)])
            if value.shape != self.item_shape:
                raise ValueError(f"item {row} has shape {value.shape}, item 0 has {self.item_shape}")
            taken.append(value.reshape(-1))
        # of the type that holds them all
        return np.stack(taken) if taken else np.empty((0, self.shape[1]), self.dtype)


class Selected(Store):
    """Some of the rows of another store."""

    def __init__(self, store: Store, rows: Rows) -> None:
        self.chosen = np.arange(len(store))[rows]
        super().__init__((len(self.chosen), store.shape[1]), store.dtype)
        self.store, self.reads_ahead = store, store.reads_ahead

    def take(self, rows: Rows) -> np.ndarray:
        return self.store.take(self.chosen[rows])

    def select(self, rows: Rows) -> Store:
        return Selected(self.store, self.chosen[rows])


class Bits(Store):
    """Zeros and ones, eight to a byte."""

    def __init__(self, packed: np.ndarray, columns: int) -> None:
        super().__init__((len(packed), columns), bool)
        self.packed = packed

    def take(self, rows: Rows) -> np.ndarray:
        return np.unpackbits(self.packed[rows], axis=1, count=self.shape[1]).view(bool)

    def select(self, rows: Rows) -> Store:
        return Bits(self.packed[rows], self.shape[1])


def value_of(item: Any) -> np.ndarray:
    """Return the value of an item of a Gluon data set, which may be one with its label."""
    return as_numpy(item[0] if is_pair(item) else item)


def is_pair(item: Any) -> bool:
    """Return whether an item of a Gluon data set is a value and its label, and no value that is a list of numbers."""
    return isinstance(item, tuple) or (isinstance(item, list) and len(item) == 2 and np.ndim(item[0]) > 0)
