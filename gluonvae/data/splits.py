"""Training, validation and test sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional, Union

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from .dataset import Dataset
from .streams import Stream

TENTHS = (0.8, 0.1, 0.1)
"""The shares of the training, validation and test set, where no others are asked for."""


class Splits(NamedTuple):
    """Training, validation and test set of one data set, without common images."""

    train: Dataset
    valid: Dataset
    test: Dataset


def split(
    data: Dataset,
    valid: Union[int, float],
    test: Union[int, float],
    seed: int = 0,
    groups: Optional[ArrayLike] = None,
) -> Splits:
    """Split a data set at random. Dynamic pixels of the validation and test sets are drawn once.

    Parameters
    ----------
    data : Dataset
        The data set.
    valid, test : int or float
        Size of the validation and of the test set: a number of data points, or a fraction of them, below 1.
    seed : int, default 0
        Seed of the split.
    groups : ArrayLike, optional
        ``(N,)``: data points with the same value come into one part. The sizes then are met about.

    Returns
    -------
    Splits
        The three sets; the remaining data points are the training set.

    Raises
    ------
    ValueError
        If one of the sets would be empty, or a size is negative or no number.
    """
    count = len(data)
    sizes = [_size(name, size, count) for name, size in (("valid", valid), ("test", test))]
    if groups is None:
        order = np.random.default_rng(seed).permutation(count)
        parts = np.split(order, np.maximum(0, [count - sum(sizes), count - sizes[1]]))
    else:
        parts = _by_group(as_numpy(groups), count, sizes, seed)
    _check_not_empty(data, parts, groups)
    return drawn_once_but_train(*(part_of_split(data, rows, seed) for rows in parts))


def held_out(data: Dataset, count: int, seed: int = 0, groups: Optional[ArrayLike] = None) -> list[np.ndarray]:
    """Return the rows to keep, and about ``count`` rows to hold out, see :func:`gluonvae.data.split`."""
    order = np.random.default_rng(seed).permutation(len(data))
    parts = [order[count:], order[:count]]
    if groups is not None:
        parts = _by_group(as_numpy(groups), len(data), [count], seed)
    _check_not_empty(data, parts, groups)
    return parts


def _check_not_empty(data: Dataset, parts: Sequence[np.ndarray], groups: Optional[ArrayLike]) -> None:
    if min(map(len, parts)) == 0:
        of_groups = "" if groups is None else f" in {len(np.unique(as_numpy(groups).astype(str)))} groups"
        raise ValueError(
            f"{len(data)} {data.things}{of_groups} cannot be split: a training, a validation and a test set each need "
            "at least one"
        )


def _size(name: str, size: Union[int, float], count: int) -> int:
    number = checks.finite_number(name, size)
    if number < 0 or (not isinstance(size, (int, np.integer)) and number >= 1):
        raise ValueError(f"{name} must be a number of data points, or a fraction from 0 to 1, got {size}")
    return int(size) if isinstance(size, (int, np.integer)) else max(1, round(number * count))


def _by_group(groups: np.ndarray, count: int, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """The rows that are left, and parts of about the sizes that are wanted, of whole groups in a random order."""
    if groups.shape != (count,):
        raise ValueError(f"groups must have shape ({count},), one for each data point, got {groups.shape}")
    names, numbers = np.unique(groups.astype(str), return_inverse=True)
    rng, left = np.random.default_rng(seed), list(sizes)
    part_of, of_group = np.zeros(len(names), np.int64), np.bincount(numbers, minlength=len(names))
    for group in rng.permutation(len(names)):
        part = int(np.argmax(left))  # that which lacks most
        if of_group[group] <= 2 * left[part]:  # it comes nearer to the size that is wanted
            part_of[group], left[part] = part + 1, left[part] - of_group[group]
    for part in range(1, len(sizes) + 1):
        rest = np.flatnonzero(part_of == 0)
        if not (part_of == part).any() and len(rest) > 1:  # all groups are large
            part_of[rest[of_group[rest].argmin()]] = part
    return [rng.permutation(np.flatnonzero(part_of[numbers] == part)) for part in range(len(sizes) + 1)]


def part_of_split(data: Dataset, rows: np.ndarray, seed: int) -> Dataset:
    """Return some of the images as a part of a split at random by ``seed``."""
    part = data.subset(rows)
    part.split_seed = seed
    return part


def drawn_once_but_train(train: Dataset, valid: Dataset, test: Dataset) -> Splits:
    """Return three sets as :class:`Splits`, with dynamic pixels of the validation and test sets drawn once.

    Parameters
    ----------
    train, valid, test : Dataset
        The sets.

    Returns
    -------
    Splits
        The sets; the training set is unchanged.
    """
    return Splits(train, valid.drawn_once(seed=1), test.drawn_once(seed=2))


def all_labels(splits: Sequence[Union[Dataset, Stream, None]]) -> Optional[np.ndarray]:
    """Return the labels of all images, ``(N,)`` or ``(N, C)``; None where a part has none."""
    parts = [part for part in splits if part is not None]
    labels = [part.labels for part in parts if part.labels is not None]
    return np.concatenate(labels) if len(labels) == len(parts) else None
