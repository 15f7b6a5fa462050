"""Logistic and Gumbel variates of standard normal noise."""

from __future__ import annotations

from ..backend.operators import clip, namespace, stop_gradient
from ..backend.types import Tensor
from .special import polynomial

FARTHEST = 12.0
"""Noise is clipped at plus and minus this number: the tail probability there, 2e-33, is still a float32."""

_TAIL = (
    -2.1230011235, 1.002019838, 0.39057106334, 0.25736390289, -0.33549406692, 0.56856674097,
    -0.72745896229, -0.041443037629, 0.68862069243, -0.47831788361, 0.1054256626,
)  # fmt: skip
"""Coefficients of a polynomial in t = 1 / (1 + 0.3 x): log(1 - Φ(x)) + x² / 2 - log t for x from 0 to 13, to 7e-9."""


def logistic(normal: Tensor) -> Tensor:
    """Transform standard normal noise to logistic variates, accurately in both tails.

    Parameters
    ----------
    normal : Tensor
        Noise n of any shape. No gradient flows to it.

    Returns
    -------
    Tensor
        log Φ(n) - log(1 - Φ(n)), of the same shape, where Φ is the standard normal distribution function.
    """
    F, normal = namespace(normal), stop_gradient(normal)
    x = clip(F.abs(normal), 0, FARTHEST)
    t = 1 / (1 + 0.3 * x)
    # log(1 - Φ(x))
    log_tail = polynomial(t, _TAIL) + F.log(t) - 0.5 * F.square(x)
    return F.sign(normal) * (F.log1p(-F.exp(log_tail)) - log_tail)


def gumbel(normal: Tensor) -> Tensor:
    """Transform standard normal noise to Gumbel variates, accurately in both tails.

    Parameters
    ----------
    normal : Tensor
        Noise n of any shape. No gradient flows to it.

    Returns
    -------
    Tensor
        -log(-log Φ(n)), of the same shape.
    """
    F = namespace(normal)
    return -F.log(F.log1p(F.exp(-logistic(normal))))
