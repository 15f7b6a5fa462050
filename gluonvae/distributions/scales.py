"""Transforms of real numbers to positive ones, such as standard deviations, and to bounded ones."""

from __future__ import annotations

import math
from typing import Callable, Union

import numpy as np

from .. import checks
from ..backend import compiled
from ..backend.operators import clip, namespace, softplus
from ..backend.regions.availability import available
from ..backend.types import Tensor

MIN_STD = 1e-4
"""Floor of a posterior's or prior's standard deviation: softplus underflows to 0, and 1 / MIN_STD must be a float16."""

BOUND = 10.0
"""Bound of the elements of a matrix relative to its standard deviations: its inverse must fit a float32."""


def positive(x: Tensor, floor: float) -> Tensor:
    """Compute softplus(x) + floor.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    floor : float
        The lower bound.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    return softplus(x, floor)


def repeat(row: Tensor, like: Tensor) -> Tensor:
    """Repeat a row for each of those of another tensor.

    Parameters
    ----------
    row : Tensor
        ``(D,)``, or one number ``(1,)``.
    like : Tensor
        ``(..., D)``. No gradient flows to it.

    Returns
    -------
    Tensor
        ``(..., D)``.
    """
    if available():
        return compiled.repeat(row, like)
    F = namespace(row)
    return F.broadcast_add(F.zeros_like(like), row)


def fill(like: Tensor, value: float) -> Tensor:
    """Return a tensor of the shape of another, with one value everywhere.

    Parameters
    ----------
    like : Tensor
        Of any shape.
    value : float
        The value.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    return compiled.fill(like, value) if available() else namespace(like).ones_like(like) * value


def inverse_positive(value: Union[float, np.ndarray], floor: float) -> np.ndarray:
    """Compute x of which :func:`positive` makes ``value``.

    Parameters
    ----------
    value : float or numpy.ndarray
        Of any shape, larger than ``floor``.
    floor : float
        The lower bound.

    Returns
    -------
    numpy.ndarray
        Of the same shape.
    """
    # the inverse of softplus, which does not overflow where it is all but the identity
    above = np.asarray(value) - floor
    return above + np.log(-np.expm1(-above))


def exp_std(x: Tensor) -> Tensor:
    """Compute exp(x), clipped at :data:`MIN_STD` and its inverse.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    # beyond that, the square of exp(x) leaves the range of a float32
    return namespace(x).exp(clip(x, math.log(MIN_STD), -math.log(MIN_STD)))


def softplus_std(x: Tensor) -> Tensor:
    """Compute softplus(x) + :data:`MIN_STD`.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    return positive(x, MIN_STD)


# functions with a name, so that a model that has one can be pickled
STD_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {"softplus": softplus_std, "exp": exp_std}
"""Transforms of any real numbers to standard deviations of at least :data:`MIN_STD`, by name."""


def std_transform(name: str) -> Callable[[Tensor], Tensor]:
    """Return one of :data:`STD_TRANSFORMS`.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    callable
        A function of a tensor.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    return STD_TRANSFORMS[checks.known_name("std", name, STD_TRANSFORMS)]


def bounded(x: Tensor) -> Tensor:
    """Compute ``BOUND * tanh(x / BOUND)``: about ``x`` near 0, and at most :data:`BOUND` in absolute value.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    return BOUND * namespace(x).Activation(x / BOUND, act_type="tanh")
