"""Special functions and polynomials."""

from __future__ import annotations

from collections.abc import Sequence

from ..backend.operators import HALF_LOG_TWO_PI, namespace, stop_gradient
from ..backend.types import Tensor

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
"""The error of Stirling's formula for log(a!) is the sum of these over a, a**3, a**5, ..."""
_FROM = 5
"""From here on that sum has an error below 4e-11."""


def polynomial(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    """Compute c_0 + c_1 x + c_2 x**2 + ... by Horner's method.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    coefficients : sequence of float
        c_0, c_1, ..., at least two.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    value = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * x + coefficient
    return value


def log_ratio(a: Tensor, b: Tensor, difference: Tensor) -> Tensor:
    """Compute log(a / b) of positive numbers, to a few roundings also where they are almost equal.

    Parameters
    ----------
    a, b : Tensor
        Of shapes that broadcast.
    difference : Tensor
        a - b.

    Returns
    -------
    Tensor
        Of the shape of ``difference``.
    """
    F = namespace(a)
    # a constant that is not 0 where a = b, as F.abs has no gradient there
    sign = stop_gradient(2 * (difference > 0) - 1)
    return F.broadcast_mul(sign, F.log1p(F.broadcast_div(sign * difference, F.broadcast_minimum(a, b))))


def log_factorial_excess(count: Tensor) -> Tensor:
    """Compute log(x!) - (x log(x) - x), which is 0 at 0.

    Parameters
    ----------
    count : Tensor
        0, 1, 2, ..., of any shape. No gradient flows to it.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    F, count = namespace(count), stop_gradient(count)
    positive = F.maximum(count, 1)
    return (count > 0) * (0.5 * F.log(positive) + HALF_LOG_TWO_PI + stirling_error(positive))


def stirling_error(a: Tensor) -> Tensor:
    """Compute log(a!) - ((a + 1/2) log(a) - a + log(2 pi) / 2), the error of Stirling's formula: about 1 / (12 a).

    Parameters
    ----------
    a : Tensor
        Positive, of any shape.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    F = namespace(a)
    # below, from a + 5 by the recurrence of a!: MXNet's gammaln has a gradient with seven digits even in float64
    is_small, small = stop_gradient(a < _FROM), F.minimum(a, _FROM)
    beyond = small + 5
    ratio = F.square(F.square(beyond)) / ((small + 1) * (small + 2) * (small + 3) * (small + 4))
    step = (small + 0.5) * F.log1p(5 / small) + F.log(ratio) - 5
    inverse = 1 / (a + 5 * is_small)
    return polynomial(F.square(inverse), _STIRLING) * inverse + is_small * step
