"""The log mass of a product of Bernoulli distributions and its gradient, each in one pass over the logits."""

from __future__ import annotations

import functools

import numba
import numpy as np

from .compile import Loop
from .numerics import exp_of_negative, log1p_of_fraction

# sums are vectorised only with "reassoc"
_compile = functools.partial(Loop, fastmath={"reassoc", "contract", "nsz"})


@_compile
def log_prob(logits: np.ndarray, value: np.ndarray, out: np.ndarray) -> None:
    """Compute the log mass of each row.

    Parameters
    ----------
    logits : np.ndarray
        ``(R, X)``, where R is a multiple of B.
    value : np.ndarray
        Zeros and ones, ``(B, X)``.
    out : np.ndarray
        Written: log p(value[i mod B] | logits[i]), ``(R,)``, in nats.
    """
    zero, one, two = logits.dtype.type(0), logits.dtype.type(1), logits.dtype.type(2)
    for row in numba.prange(len(logits)):
        of_row, pixels = logits[row], value[row % len(value)]
        total = zero
        for i in range(len(of_row)):
            # minus the logit where the pixel is 1, else the logit: all terms of the sum are positive, so that
            # no order of summation cancels
            unlikely = of_row[i] * (one - two * pixels[i])
            total += max(unlikely, zero) + log1p_of_fraction(exp_of_negative(-abs(unlikely)))
        out[row] = -total


@_compile
def gradient(logits: np.ndarray, value: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """Compute the gradient of a weighted sum of the rows of :func:`log_prob` with respect to the logits.

    Parameters
    ----------
    logits : np.ndarray
        ``(R, X)``.
    value : np.ndarray
        Zeros and ones, ``(B, X)``.
    weight : np.ndarray
        Weights of the rows, ``(R,)``.
    out : np.ndarray
        Written: the gradient, ``(R, X)``.
    """
    zero, one = logits.dtype.type(0), logits.dtype.type(1)
    for row in numba.prange(len(logits)):
        of_row, pixels, to = logits[row], value[row % len(value)], out[row]
        factor = weight[row]
        for i in range(len(of_row)):
            logit = of_row[i]
            e = exp_of_negative(-abs(logit))
            probability = (one if logit >= zero else e) / (one + e)
            to[i] = factor * (pixels[i] - probability)
