"""The labels of a data set, and those that images are drawn by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from .. import checks
from ..data import Dataset, has_classes
from ..models import VAE


def label_size(labels: Optional[np.ndarray]) -> int:
    """Return Y of a model of data with labels: the number of classes, or of numbers in a condition.

    Parameters
    ----------
    labels : numpy.ndarray, optional
        Classes, whole numbers from 0, or fractions ``(N,)``, or rows ``(N, C)``.

    Returns
    -------
    int
        Y; of rows C, of fractions 1.

    Raises
    ------
    ValueError
        If there are no labels, or classes below 0 alone.
    """
    if labels is None:
        raise ValueError("a model with labels was asked for, and the data has none")
    if labels.ndim == 2 or not has_classes(labels):
        return labels[0].size
    if labels.max() < 0:
        raise ValueError(f"labels must be whole numbers from 0, or fractions, got {labels.max()} at most")
    return int(labels.max()) + 1


def labels_to_draw(
    vae: VAE, n: int, classes: bool, examples: Optional[Dataset] = None, label: Optional[Sequence[float]] = None
) -> Optional[np.ndarray]:
    """Return a label for each of ``n`` images to be drawn.

    Parameters
    ----------
    vae : VAE
        The model.
    n : int
        The number of images.
    classes : bool
        Whether labels are classes, see :func:`has_classes`.
    examples : Dataset, optional
        Images with labels.
    label : sequence of float, optional
        One class, or the numbers of one condition.

    Returns
    -------
    numpy.ndarray or None
        ``label`` n times, else each class in turn, or the conditions of ``examples``; ``(n,)`` or ``(n, C)``. None in
        a model without labels.

    Raises
    ------
    ValueError
        If ``label`` has another size or is not finite, is missing in a model of conditions, or given in one without
        labels.
    """
    size = vae.label_size
    wanted = "1 number" if size == 1 else f"{size} numbers"
    if not size:
        if label is not None:
            raise ValueError("--label is for a model that was trained with --conditional")
        return None
    if label is not None:
        checks.finite("--label", np.asarray(label))
        if len(label) == 1 and classes:
            return np.full(n, label[0])
        if len(label) != size:
            raise ValueError(f"--label must be {'a class, or ' if classes else ''}{wanted}, got {len(label)}")
        return np.tile(label, (n, 1))
    if classes:
        return np.arange(n) % size
    if examples is None or examples.labels is None:
        raise ValueError(f"--label is missing: the condition that the images are to be of, {wanted}")
    return np.resize(examples.labels, (n, *examples.labels.shape[1:]))
