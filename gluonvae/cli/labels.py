"""The labels of a data set, and those that images are drawn by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from .. import checks
from ..data import Dataset
from ..models import VAE
from ..training.config import Config


def labels_to_draw(
    vae: VAE, n: int, config: Config, examples: Optional[Dataset] = None, label: Optional[Sequence[str]] = None
) -> Optional[np.ndarray]:
    """Return a label for each of ``n`` images to be drawn.

    Parameters
    ----------
    vae : VAE
        The model.
    n : int
        The number of images.
    config : Config
        Of the run, which knows whether labels are classes, and their names.
    examples : Dataset, optional
        Images with labels.
    label : sequence of str, optional
        One class, by name or number, or the numbers of one condition.

    Returns
    -------
    numpy.ndarray or None
        ``label`` n times, else each class in turn, or the conditions of ``examples``; ``(n,)`` or ``(n, C)``. None in
        a model without labels.

    Raises
    ------
    ValueError
        If ``label`` is no class, has another size or is not finite, is missing in a model of conditions, or given in
        one without labels.
    """
    size, classes, names = vae.label_size, config["classes"], config["class_names"]
    wanted = "1 number" if size == 1 else f"{size} numbers"
    if not size:
        if label is not None:
            raise ValueError("--label is for a model that was trained with --conditional")
        return None
    if label is not None and names is not None:
        return np.full(n, _class_named(label, names))
    if label is not None:
        numbers = _numbers(label)
        if len(numbers) == 1 and classes:
            return np.full(n, numbers[0])
        if len(numbers) != size:
            raise ValueError(f"--label must be {'a class, or ' if classes else ''}{wanted}, got {len(label)}")
        return np.tile(numbers, (n, 1))
    if classes:
        return np.resize(np.arange(size) if names is None else np.asarray(names), n)
    if examples is None or examples.labels is None:
        raise ValueError(f"--label is missing: the condition that the images are to be of, {wanted}")
    return np.resize(examples.labels, (n, *examples.labels.shape[1:]))


def _class_named(label: Sequence[str], names: Sequence[Union[str, int]]) -> Union[str, int]:
    """The class that is meant, as the data has it."""
    typed = " ".join(label)
    written = {str(name): name for name in names}
    if typed in written:
        return written[typed]
    for name in names:
        if isinstance(name, int) and _is_number(typed) and _numbers([typed])[0] == name:
            return name
    shown = ", ".join(map(str, names[:20])) + (", ..." if len(names) > 20 else "")
    raise ValueError(f"--label must be one of the classes, {shown}, got {typed}")


TRUTH = {"true": 1, "false": 0}
"""What classes may be called that are truth values."""


def _is_number(text: str) -> bool:
    if text.lower() in TRUTH:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(label: Sequence[str]) -> np.ndarray:
    wrong = [text for text in label if not _is_number(text)]
    if wrong:
        raise ValueError(f"--label must be numbers: the classes of this run have no names; got {wrong[0]}")
    numbers = np.array([TRUTH.get(text.lower(), text) for text in label], float)
    checks.finite("--label", numbers)
    return numbers
