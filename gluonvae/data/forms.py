"""The forms in which a user may have data: arrays, sparse matrices, tables, Gluon's data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.runtime import mx
from .stores import InMemory, Items, Mapped, Sparse, Store, is_pair


class Values(NamedTuple):
    """The values of a data set, and what came with them."""

    store: Store
    shape: tuple[int, ...]
    """Of a data point."""
    labels: Optional[np.ndarray] = None
    columns: Optional[tuple[str, ...]] = None


def as_values(name: str, data: Any, shape: Optional[Sequence[int]] = None) -> Values:
    """Return data of any form as rows of values.

    Parameters
    ----------
    name : str
        What messages call the data.
    data : array, sparse matrix, table of pandas, or Gluon Dataset
        ``(N, X)`` or ``(N, *shape)``.
    shape : Sequence[int], optional
        Shape of a data point, for rows that have none.

    Raises
    ------
    TypeError
        If it is a pair of values and labels, or not of numbers.
    ValueError
        If it has another shape, or is empty.
    """
    if shape is not None:
        shape = checks.layer_sizes("shape", shape)
    if isinstance(data, mx.gluon.data.Dataset):
        return _of_gluon(name, data, shape)
    if hasattr(data, "tocsr"):
        return _of_sparse(name, data, shape)
    if isinstance(data, (tuple, list)) and len(data) == 2 and np.ndim(data[0]) > np.ndim(data[1]):
        raise TypeError(f"{name} must be values alone, got a pair: pass labels as labels=...")
    if isinstance(data, (str, Path)):
        raise TypeError(f"{name} must be data, got a path: gluonvae.data.load({str(data)!r}) reads it")
    if hasattr(data, "obs_names") and hasattr(data, "var_names"):  # of AnnData
        return as_values(name, data.X, shape)._replace(columns=tuple(map(str, data.var_names)))
    is_table = hasattr(data, "columns") and hasattr(data, "iloc")
    columns = tuple(map(str, data.columns)) if is_table else None
    array = _of_table(name, data) if is_table else _numbers(name, data)
    if array.ndim < 2 and array.size:
        raise ValueError(
            f"{name} must have shape (N, X) or (N, *shape), got {array.shape}: one "
            "number an item looks like labels, not images"
        )
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {array.shape}: it is empty")
    store = Mapped(array) if _is_mapped(array) else InMemory(array.reshape(len(array), -1))
    return Values(store, shape_of_one(array.shape, shape), columns=columns)


def _of_table(name: str, table: Any) -> np.ndarray:
    """The numbers of a table of pandas; missing ones, of any kind, are NaN."""
    values = table.to_numpy()
    if values.dtype.kind in "buif":
        return values
    columns = []
    for place, label in enumerate(table.columns):
        try:
            columns.append(table.iloc[:, place].to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name}: the column {label!r} is not of numbers ({error}): leave it out, or pass it as labels=..."
            ) from error
    return np.stack(columns, axis=1)


def _numbers(name: str, data: Any) -> np.ndarray:
    """An array of numbers; masked ones are NaN."""
    if isinstance(data, np.ma.MaskedArray):
        masked: Any = data
        data = masked.astype(np.result_type(data.dtype, np.float32)).filled(np.nan) if data.mask.any() else masked.data
    array = as_numpy(data)
    checks.numeric(name, array.dtype)
    return array


def _is_mapped(array: np.ndarray) -> bool:
    """Whether an array is a view of a file."""
    base: Any = array
    while base is not None:
        if isinstance(base, np.memmap):
            return True
        base = getattr(base, "base", None)
    return False


def _of_sparse(name: str, matrix: Any, shape: Optional[tuple[int, ...]]) -> Values:
    checks.numeric(name, matrix.dtype)
    if min(matrix.shape) == 0:
        raise ValueError(f"{name} must hold at least one row, got shape {matrix.shape}: it is empty")
    return Values(Sparse(matrix), shape_of_one(matrix.shape, shape))


def _of_gluon(name: str, dataset: Any, shape: Optional[tuple[int, ...]]) -> Values:
    """The arrays that a data set is made of, where it is no more than these, else its items."""
    if not len(dataset):
        raise ValueError(f"{name} must hold at least one item: it is empty")
    arrays = _arrays_of(dataset)
    if arrays is not None:
        found = as_values(name, arrays[0], shape)
        return found._replace(labels=as_numpy(arrays[1])) if len(arrays) > 1 else found
    first = dataset[0]
    if isinstance(first, tuple) and len(first) != 2:
        raise TypeError(f"items of {name} must be values, or pairs of a value and its label, got {len(first)} parts")
    items = Items(dataset)
    checks.numeric(f"items of {name}", items.dtype)
    if not items.item_shape:
        raise ValueError(f"items of {name} must have shape (X,) or a picture's: one number an item looks like labels")
    labels = as_numpy([as_numpy(dataset[row][1]) for row in range(len(dataset))]) if is_pair(first) else None
    return Values(items, shape_of_one((len(items), *items.item_shape), shape), labels)


def _arrays_of(dataset: Any) -> Optional[list[Any]]:
    """The arrays of values and labels that Gluon's plain data sets hold."""
    if type(dataset) is mx.gluon.data.ArrayDataset and len(dataset._data) <= 2:
        arrays = list(dataset._data)
        return arrays if all(hasattr(array, "shape") for array in arrays) else None
    if isinstance(dataset, mx.gluon.data.dataset._DownloadedDataset) and dataset._transform is None:
        return [dataset._data, dataset._label]
    return None


def shape_of_one(given: Sequence[int], wanted: Optional[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of a data point.

    Parameters
    ----------
    given : sequence of int
        Of all data points, ``(N, X)`` or ``(N, *shape)``.
    wanted : tuple of int, optional
        The shape that was asked for.

    Raises
    ------
    ValueError
        If rows have another number of values, or data points that have a shape another one: the same number of values
        in another shape would be another picture.
    """
    own = tuple(given[1:])
    if wanted is None:
        return own
    if len(own) == 1:
        if math.prod(wanted) == own[0]:
            return wanted
        raise ValueError(
            f"shape {wanted} has {math.prod(wanted)} values an image, the images {tuple(given)} have {own[0]}"
        )
    if _without_ones(own) == _without_ones(wanted):  # a single channel, with an axis of its own or without
        return wanted
    if len(own) == 3 and wanted in ((own[1], own[2], own[0]), (own[2], own[0], own[1])):
        return own  # the same pictures, with the channels at the other end
    raise ValueError(f"shape {wanted} was asked for, and the images have shape {own} each: leave it out, or give that")


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
