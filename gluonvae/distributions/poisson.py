"""Products of Poisson distributions."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import HALF_LOG_TWO_PI, Tensor, namespace, stop_gradient, sum_last
from .base import Distribution
from .quantiles import quantile

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
"""What Stirling's formula lacks of log(a!) is the sum of these over a, a**3, a**5, ..."""
_FROM = 5
"""From here on that sum is right to 4e-11."""


class Poisson(Distribution):
    """Independent counts 0, 1, 2, ...

    Parameters
    ----------
    rate : ``(..., X)``, positive: the expected counts.
    """

    def __init__(self, rate: Tensor) -> None:
        self.rate = rate

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        """The most probable count; of two that are equally so the higher."""
        return namespace(self.rate).floor(self.rate)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of counts, summed over the last axis, in nats. No gradient flows to ``value``."""
        F, value = namespace(self.rate), stop_gradient(value)
        difference = F.broadcast_sub(value, self.rate)
        ratio = log_ratio(F.maximum(value, 1), self.rate, difference)
        log_prob = F.broadcast_sub(difference, F.broadcast_mul(value, ratio))
        return sum_last(F.broadcast_sub(log_prob, log_factorial_excess(value)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., X)``."""
        return quantile("poisson", _noise.uniform_for(self.rate, noise), self.rate)


# A log mass is that of a distribution with its mean at the value, less a deviance (Loader 2000): where a mass is of
# a size that matters both are small, whereas value * log(rate), the rate and log(value!) are numbers in the thousands,
# of which a float32's digits leave too few in the difference.


def log_ratio(a: Tensor, b: Tensor, difference: Tensor) -> Tensor:
    """log(a / b) of positive numbers, from their difference a - b, to a few roundings of the logarithm itself."""
    F = namespace(a)
    # a constant, and not 0 where a = b: F.abs has no gradient there
    sign = stop_gradient(2 * (difference > 0) - 1)
    return F.broadcast_mul(sign, F.log1p(F.broadcast_div(sign * difference, F.broadcast_minimum(a, b))))


def log_factorial_excess(count: Tensor) -> Tensor:
    """log(x!) - (x log(x) - x), which is 0 at 0; no gradient flows to ``count``."""
    F = namespace(count)
    count = stop_gradient(count)
    positive = F.maximum(count, 1)
    return (count > 0) * (0.5 * F.log(positive) + HALF_LOG_TWO_PI + stirling_remainder(positive))


def stirling_remainder(a: Tensor) -> Tensor:
    """log(a!) - ((a + 1/2) log(a) - a + log(2 pi) / 2) of positive ``a``, whole or not: about 1 / (12 a)."""
    F = namespace(a)
    small, inverse = F.minimum(a, _FROM), 1 / F.maximum(a, _FROM)
    square = F.square(inverse)
    series: Tensor = _STIRLING[-1]
    for coefficient in _STIRLING[-2::-1]:
        series = series * square + coefficient
    exact = F.gammaln(small + 1) - (small + 0.5) * F.log(small) + small - HALF_LOG_TWO_PI
    return F.where(a < _FROM, exact, series * inverse)
