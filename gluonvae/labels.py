"""Labels of data points: classes, by number or by name, and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from . import checks
from .backend.operators import as_numpy
from .backend.types import ArrayLike

MISSING = -1
"""The label of a data point whose class is not known."""

FEWEST = 256
"""Classes that numbers may always leave without a data point: beyond, they are as good as names."""


class Labels(NamedTuple):
    """Checked labels."""

    values: np.ndarray
    """``(N,)`` or ``(N, C)``; -1 where a class is missing."""
    names: Optional[tuple[Any, ...]] = None
    """Of classes that were given by name: of class 0, 1, ...; None where the numbers are the classes."""


def as_labels(labels: ArrayLike, count: int, things: str = "images") -> Labels:
    """Check labels, and give classes that have names a number each, in the order of the names.

    Parameters
    ----------
    labels : ArrayLike
        ``(N,)`` or ``(N, C)``: whole numbers, truth values, names, fractions or one-hot rows. A class is missing where
        it is NaN, None, an empty name, masked or -1.
    count : int
        N.
    things : str
        What messages call data points.

    Raises
    ------
    ValueError
        If they have another shape, or are neither numbers nor names, or an infinite number or a row with a missing
        number is among them.
    """
    mask = np.ma.getmaskarray(labels) if isinstance(labels, np.ma.MaskedArray) else None
    array = as_numpy(as_they_are(labels))
    if array.ndim not in (1, 2) or len(array) != count or array.size == 0:
        raise ValueError(f"labels must have shape (N,) or (N, C) for N = {count} {things}, got {array.shape}")
    if array.dtype.kind in "buiSUO" and array.ndim == 2 and array.shape[1] == 1:
        array, mask = array[:, 0], None if mask is None else mask[:, 0]
    if array.dtype.kind in "SU" or (array.dtype.kind == "O" and any(isinstance(of, (str, bytes)) for of in array.flat)):
        return _by_name(array, mask)
    if array.dtype.kind == "O":
        array = _as_numbers(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"labels must be numbers or names, (N,) or (N, C), got dtype {array.dtype}")
    return Labels(_without_missing(array, mask))


def as_they_are(labels: Any) -> Any:
    """Return a list with names as objects: NumPy would make a name of None or NaN among them."""
    has_names = isinstance(labels, (list, tuple)) and any(isinstance(of, (str, bytes)) for of in labels)
    return np.array(labels, dtype=object) if has_names else labels


def _by_name(array: np.ndarray, mask: Optional[np.ndarray]) -> Labels:
    if array.ndim != 1:
        raise ValueError(f"labels that are names must have shape (N,), got {array.shape}")
    names = [_name(of) for of in array]
    known = sorted({name for row, name in enumerate(names) if name and not (mask is not None and mask[row])})
    if not known:
        raise ValueError("all labels are missing")
    number = {name: place for place, name in enumerate(known)}
    values = np.array([number.get(name, MISSING) for name in names], np.int64)
    if mask is not None:
        values[mask] = MISSING
    return Labels(values, tuple(known))


def _name(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    is_minus_1 = isinstance(value, (int, np.integer)) and value == MISSING
    return "" if is_missing(value) or is_minus_1 else str(value)


def is_missing(value: object) -> bool:
    """Return whether a label stands for none: None, NaN, the NA of pandas or an empty name."""
    is_nan = isinstance(value, (float, np.floating)) and bool(np.isnan(value))
    is_empty = isinstance(value, (str, bytes)) and not value
    return value is None or is_nan or is_empty or type(value).__name__ == "NAType"


def _as_numbers(array: np.ndarray) -> np.ndarray:
    """Numbers among which missing ones are NaN; of whole numbers ``(N,)``, which stay exact, -1."""
    known = [of for of in array.flat if not is_missing(of)]
    whole = array.ndim == 1 and known and all(isinstance(of, (int, np.integer, np.bool_)) for of in known)
    number, missing = (int, MISSING) if whole else (float, np.nan)
    try:
        numbers = [missing if is_missing(of) else number(of) for of in array.flat]
        return np.array(numbers, np.int64 if whole else np.float64).reshape(array.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"labels must be numbers or names, (N,) or (N, C): {error}") from error


def _without_missing(array: np.ndarray, mask: Optional[np.ndarray]) -> np.ndarray:
    missing = np.zeros(array.shape, bool) if mask is None else mask
    if array.dtype.kind == "f":
        missing = missing | np.isnan(array)
    if not missing.any():
        checks.finite("labels", array)
        return array
    known = array[~missing]
    if not known.size:
        raise ValueError("all labels are missing")
    checks.finite("labels", known)
    if array.ndim == 2 or not np.array_equal(known, np.rint(known)):
        place = tuple(int(i) for i in np.argwhere(missing)[0])
        raise ValueError(f"labels has nan at {place}: a class may be missing, of conditions every number is needed")
    return np.where(missing, MISSING, array.filled(MISSING) if isinstance(array, np.ma.MaskedArray) else array).astype(
        np.int64
    )


def has_classes(labels: Optional[np.ndarray]) -> bool:
    """Tell classes, whole numbers ``(N,)`` or one-hot rows ``(N, C)``, from conditions, which are any numbers.

    Parameters
    ----------
    labels : numpy.ndarray, optional
        The labels.

    Returns
    -------
    bool
        Whether they are classes; False where there are none.
    """
    if labels is None:
        return False
    if labels.ndim == 2:
        return labels.shape[1] > 1 and np.array_equal(labels, np.eye(labels.shape[1])[labels.argmax(axis=1)])
    return np.array_equal(labels, np.rint(labels))


def label_size(labels: Optional[np.ndarray], class_names: Optional[Sequence[Any]]) -> int:
    """Return Y of a model of data with labels: the number of classes, or of numbers in a condition.

    Parameters
    ----------
    labels : numpy.ndarray, optional
        Classes, whole numbers from 0, or fractions ``(N,)``, or rows ``(N, C)``.
    class_names : sequence, optional
        What the classes are called.

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
        raise ValueError("a model with labels was asked for, and the data, or one of its parts, has none")
    if class_names is not None:
        return len(class_names)
    if labels.ndim == 2 or not has_classes(labels):
        return labels[0].size
    if labels.max() < 0:
        raise ValueError(f"labels must be whole numbers from 0, or fractions, got {labels.max()} at most")
    return int(labels.max()) + 1


def class_names(parts: Sequence[Labels]) -> Optional[tuple[Any, ...]]:
    """Return the classes of all parts of the data, in their order.

    Parameters
    ----------
    parts : sequence of Labels
        Labels that are classes, ``(N,)``.

    Returns
    -------
    tuple or None
        The names of all parts; of numbers those that occur, if they are not simply 0, 1, 2, ...: None then, also where
        a few of these have no data point.

    Raises
    ------
    ValueError
        If one part has names, and another numbers.
    """
    named = {part.names is not None for part in parts}
    if len(named) > 1:
        raise ValueError("the labels of one part of the data are names, and of another numbers: they must be the same")
    if named == {True}:
        return tuple(sorted({name for part in parts for name in part.names or ()}))
    found = np.unique(np.concatenate([part.values[part.values != MISSING] for part in parts]))
    if not len(found) or (found[0] == 0 and found[-1] < max(FEWEST, 2 * len(found))):
        return None
    return tuple(int(number) for number in found)


def numbered(labels: Labels, names: Optional[Sequence[Any]]) -> np.ndarray:
    """Return classes as their places in ``names``.

    Parameters
    ----------
    labels : Labels
        Classes, ``(N,)``.
    names : sequence, optional
        What :func:`class_names` returned.

    Returns
    -------
    numpy.ndarray
        ``(N,)``, int64; -1 where one is missing.

    Raises
    ------
    ValueError
        For a class that is not among the names.
    """
    if names is None:
        if labels.names is not None:
            raise ValueError(
                f"labels are names, such as {labels.names[0]!r}, and the model knows its classes by number"
            )
        return labels.values
    if labels.names is None and not has_classes(labels.values):
        raise ValueError(
            f"labels are numbers such as {labels.values[labels.values != np.rint(labels.values)][0]}, and the model "
            f"knows classes: {_shown(names)}"
        )
    place = {name: number for number, name in enumerate(names)}
    own = labels.names if labels.names is not None else tuple(int(of) for of in np.unique(labels.values))
    unknown = [name for name in own if name not in place and not (labels.names is None and name == MISSING)]
    if unknown:
        raise ValueError(f"label {unknown[0]!r} is none of the {len(names)} classes of the model: {_shown(names)}")
    if labels.names is not None:
        table = np.array([*(place[name] for name in own), MISSING])
        return table[labels.values]
    table = np.array([place.get(name, MISSING) for name in own])
    return table[np.searchsorted(own, labels.values)]


def _shown(names: Sequence[Any]) -> str:
    return ", ".join(map(str, names[:10])) + (", ..." if len(names) > 10 else "")
