"""The log mass of a product of Bernoullis and its gradient, each in one pass over the logits."""

from __future__ import annotations

import numba
import numpy as np

from .numerics import exp_of_negative, log1p_of_fraction

# "reassoc" lets a sum be vectorised; error_model: with Python's, a division may raise, and it is not.
_compile = numba.njit(
    error_model="numpy", fastmath={"reassoc", "contract", "nsz"}, cache=True, nogil=True, parallel=True
)


@_compile
def log_prob(logits: np.ndarray, value: np.ndarray, out: np.ndarray) -> None:
    """``out[i]`` = log p(value[i mod B] | logits[i]) for logits ``(R, X)`` and zeros and ones ``(B, X)``."""
    zero, one, two = logits.dtype.type(0), logits.dtype.type(1), logits.dtype.type(2)
    for row in numba.prange(len(logits)):
        of_row, pixels = logits[row], value[row % len(value)]
        total = zero
        for i in range(len(of_row)):
            # minus or plus the logit, as the pixel is 1 or 0: of one sign all that is summed, so that
            # no order of the sum cancels
            unlikely = of_row[i] * (one - two * pixels[i])
            total += max(unlikely, zero) + log1p_of_fraction(exp_of_negative(-abs(unlikely)))
        out[row] = -total


@_compile
def gradient(logits: np.ndarray, value: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """``out`` = the gradient in the logits of the sum of ``weight``, ``(R,)``, times :func:`log_prob`."""
    zero, one = logits.dtype.type(0), logits.dtype.type(1)
    for row in numba.prange(len(logits)):
        of_row, pixels, to = logits[row], value[row % len(value)], out[row]
        factor = weight[row]
        for i in range(len(of_row)):
            logit = of_row[i]
            e = exp_of_negative(-abs(logit))
            probability = (one if logit >= zero else e) / (one + e)
            to[i] = factor * (pixels[i] - probability)
