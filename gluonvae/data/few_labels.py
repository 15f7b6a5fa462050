"""Data sets that have lost most of their labels."""

from __future__ import annotations

import numpy as np

from .. import checks
from .dataset import Dataset


def keep_few_labels(data: Dataset, count: int, share: float = 0.1, seed: int = 0) -> Dataset:
    """The data set with ``count`` labels left, as many of each class, and -1 for the others; the images that keep
    theirs are repeated until they are ``share`` of it, so that every batch has some.

    Parameters
    ----------
    data : with labels, whole numbers from 0.
    share : of the images with a label, between 0 and 1; each is there at least once.
    seed : of which they are.

    Raises ValueError for a count that the classes do not divide, or of which there are not so many.
    """
    if data.labels is None:
        raise ValueError("data has no labels, of which few could be kept: Dataset(images, labels=...)")
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
