"""Training, validation and test sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from .dataset import Dataset


class Splits(NamedTuple):
    """Training, validation and test set of one data set, without common images."""

    train: Dataset
    valid: Dataset
    test: Dataset


def split(data: Dataset, valid: int, test: int, seed: int = 0) -> Splits:
    """Split a data set at random. Dynamic pixels of the validation and test sets are drawn once.

    Parameters
    ----------
    data : Dataset
        The data set.
    valid : int
        Size of the validation set.
    test : int
        Size of the test set.
    seed : int, default 0
        Seed of the split.

    Returns
    -------
    Splits
        The three sets; the remaining images are the training set.

    Raises
    ------
    ValueError
        If one of the sets would be empty.
    """
    order = np.random.default_rng(seed).permutation(len(data))
    parts = np.split(order, [len(data) - valid - test, len(data) - test])
    if min(map(len, parts)) == 0:
        raise ValueError(
            f"{len(data)} images cannot be split: a training, a validation and a test set each need at least one"
        )
    return drawn_once_but_train(*(part_of_split(data, rows, seed) for rows in parts))


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


def all_labels(splits: Sequence[Optional[Dataset]]) -> Optional[np.ndarray]:
    """Return the labels of all images, ``(N,)`` or ``(N, C)``; None where a part has none."""
    parts = [part for part in splits if part is not None]
    labels = [part.labels for part in parts if part.labels is not None]
    return np.concatenate(labels) if len(labels) == len(parts) else None
