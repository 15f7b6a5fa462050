"""Data sets with few labels, for semi-supervised learning."""

from __future__ import annotations

from typing import Any, TypeVar, Union

import numpy as np

from .. import checks
from ..labels import MISSING, has_classes
from .dataset import Dataset
from .streams import Stream

AnyData = TypeVar("AnyData", bound=Union[Dataset, Stream])


def keep_few_labels(data: Dataset, count: int, share: float = 0.1, seed: int = 0) -> Dataset:
    """Keep the labels of a few images, the same number of each class.

    The other labels become -1. Images with a label are repeated, so that every batch contains some.

    Parameters
    ----------
    data : Dataset
        A data set with classes as labels, whole numbers from 0, ``(N,)``.
    count : int
        Number of labels to keep, a multiple of the number of classes.
    share : float, default 0.1
        Fraction of the images with a label after repetition, between 0 and 1. Each occurs at least once.
    seed : int, default 0
        Seed of the choice of the images that keep their labels.

    Returns
    -------
    Dataset
        The images without a label, then those with one; labels are int64.

    Raises
    ------
    ValueError
        If the data set has no classes as labels, ``count`` is no multiple of the number of classes or too large for
        one of them, or ``share`` is out of range.
    """
    if data.labels is None:
        raise ValueError("data has no labels, of which few could be kept: Dataset(images, labels=...)")
    if data.labels.ndim == 2 and has_classes(data.labels):
        return keep_few_labels(data.with_labels(data.labels.argmax(axis=1)), count, share, seed)
    if data.labels.ndim != 1 or not np.array_equal(data.labels, np.rint(data.labels)):
        raise ValueError(
            "labels must be classes, whole numbers of shape (N,), for few of them to be kept, "
            f"got {data.labels.dtype} of shape {data.labels.shape}"
        )
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    classes = np.unique(data.labels[data.labels >= 0])
    of_each, left = divmod(checks.positive_int("count", count), len(classes))
    if left:
        raise ValueError(f"count must be a multiple of the {len(classes)} classes, got {count}")
    order = np.random.default_rng(seed).permutation(len(data))
    kept = [order[data.labels[order] == number][:of_each] for number in classes]
    fewest = min(map(len, kept))
    if fewest < of_each:
        raise ValueError(f"count {count} wants {of_each} images of each class, and of one there are {fewest}")
    with_label = np.concatenate(kept)
    others = np.setdiff1d(np.arange(len(data)), with_label)
    repeats = max(1, round(share / (1 - share) * len(others) / count))
    rows = np.concatenate([others, np.tile(with_label, repeats)])
    few = data.subset(rows)
    few.labels = np.where(np.arange(len(rows)) < len(others), -1, data.labels[rows].astype(np.int64))
    return few


def hide_labels(data: AnyData) -> AnyData:
    """Take the labels away.

    Parameters
    ----------
    data : Dataset or Stream
        Data with labels or without.

    Returns
    -------
    Dataset or Stream
        The same images, all with the label -1, which is missing to a :class:`gluonvae.SemiSupervisedVAE`.
    """
    hidden: Any = (
        data.without_labels()
        if isinstance(data, Stream)
        else data.with_labels(np.full(len(data), MISSING), data.class_names)
    )
    return hidden
