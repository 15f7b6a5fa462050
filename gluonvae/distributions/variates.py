"""Logistic and Gumbel variates of standard normal noise, which is the only noise that there is."""

from __future__ import annotations

from ..backend.operators import Tensor, namespace, stop_gradient

FARTHEST = 12.0
"""Beyond which noise counts as no farther: the tail there, 2e-33, is still a float32."""

_TAIL = (
    -2.1230011235,
    1.002019838,
    0.39057106334,
    0.25736390289,
    -0.33549406692,
    0.56856674097,
    -0.72745896229,
    -0.041443037629,
    0.68862069243,
    -0.47831788361,
    0.1054256626,
)
"""Coefficients of a polynomial in t = 1 / (1 + 0.3 x): log(1 - Φ(x)) + x² / 2 - log t for x from 0 to 13, to 7e-9."""


def _log_tail(x: Tensor) -> Tensor:
    """log(1 - Φ(x)) for x ≥ 0, Φ being the standard normal distribution function."""
    t = 1 / (1 + 0.3 * x)
    polynomial = _TAIL[-1] * t + _TAIL[-2]
    for coefficient in _TAIL[-3::-1]:
        polynomial = polynomial * t + coefficient
    F = namespace(x)
    return polynomial + F.log(t) - 0.5 * F.square(x)


def logistic(normal: Tensor) -> Tensor:
    """log Φ(n) - log(1 - Φ(n)) for standard normal ``n`` of any shape: a standard logistic variate, that rises
    with n, with its digits in both tails. No gradient flows to the noise."""
    F, normal = namespace(normal), stop_gradient(normal)
    log_tail = _log_tail(F.clip(F.abs(normal), 0, FARTHEST))
    return F.sign(normal) * (F.log1p(-F.exp(log_tail)) - log_tail)


def gumbel(normal: Tensor) -> Tensor:
    """-log(-log Φ(n)) for standard normal ``n`` of any shape: a standard Gumbel variate, as :func:`logistic`."""
    F = namespace(normal)
    return -F.log(F.log1p(F.exp(-logistic(normal))))
