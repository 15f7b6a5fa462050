"""Products of continuous Bernoullis: grey pixels between 0 and 1."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, namespace, stop_gradient, sum_last
from .base import Distribution

_SERIES = (1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600)
"""log(sinh(l / 2) / (l / 2)) is the sum of these times l**2, l**4, ...: below |l| = 1 to 5e-11."""


class ContinuousBernoulli(Distribution):
    """Independent values in [0, 1] with a density proportional to exp(logit * value).

    Loaiza-Ganem and Cunningham 2019, equation 7, in terms of the logit l of their λ: the normaliser is
    l / (exp(l) - 1), 1 at l = 0.

    Parameters
    ----------
    logits : ``(..., X)``.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value`` in [0, 1], summed over the last axis, in nats."""
        F = namespace(self.logits)
        tilted = F.broadcast_mul(self.logits, stop_gradient(value) - 0.5)
        return F.broadcast_sub(sum_last(tilted), sum_last(_log_normaliser(self.logits)))

    @property
    def mean(self) -> Tensor:
        """λ / (2 λ - 1) + 1 / (2 artanh(1 - 2 λ)), which is 1 / (1 - exp(-l)) - 1 / l."""
        F = namespace(self.logits)
        small, large = _in_two_ranges(self.logits)
        square = F.square(small)
        series: Tensor = 0 * square
        for power in range(len(_SERIES), 0, -1):
            series = series * square + 2 * power * _SERIES[power - 1]
        # of |l|, from 1/2
        closed = 0.5 - 1 / large - F.exp(-large) / F.expm1(-large)
        return 0.5 + F.where(_is_small(self.logits), small * series, F.sign(self.logits) * closed)

    @property
    def mode(self) -> Tensor:
        """The end with the higher density: 0 or 1."""
        return self.logits > 0

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., X)``."""
        F = namespace(self.logits)
        noise = _noise.uniform_for(self.logits, noise)
        positive = self.logits > 0
        # of a density that falls with slope 1e-5 at least, which nothing tells from a flat one
        slope = F.maximum(F.abs(self.logits), 1e-5)
        level = F.broadcast_add(positive, F.broadcast_mul(1 - 2 * positive, noise))
        # the largest float32 below 1
        inside = F.maximum(F.broadcast_mul(level, F.expm1(-slope)), 2.0**-24 - 1)
        falling = F.clip(F.broadcast_div(-F.log1p(inside), slope), 0, 1)
        return stop_gradient(F.broadcast_add(positive, F.broadcast_mul(1 - 2 * positive, falling)))


def _is_small(logits: Tensor) -> Tensor:
    return namespace(logits).abs(logits) < 1


def _in_two_ranges(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The logits as far as the series is for them, and their absolute values where it is not."""
    F = namespace(logits)
    return F.clip(logits, -1, 1), F.maximum(F.abs(logits), 1)


def _log_normaliser(logits: Tensor) -> Tensor:
    """log(sinh(l / 2) / (l / 2)), an even function: that of exp(l (x - 1/2)) over [0, 1]."""
    F = namespace(logits)
    small, large = _in_two_ranges(logits)
    square = F.square(small)
    series: Tensor = 0 * square
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * square
    closed = 0.5 * large + F.log(-F.expm1(-large)) - F.log(large)
    return F.where(_is_small(logits), series, closed)
