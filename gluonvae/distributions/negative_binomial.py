"""Products of negative binomials: counts that vary more than a Poisson's."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, namespace, stop_gradient, sum_last
from .base import Distribution
from .poisson import log_factorial_excess, log_ratio, stirling_remainder
from .quantiles import quantile


class NegativeBinomial(Distribution):
    """Independent counts 0, 1, 2, ...: Poisson with a rate from a gamma distribution.

    Parameters
    ----------
    mean : μ, ``(..., X)``, positive.
    dispersion : the inverse dispersion θ, ``(..., X)``, positive: the shape of the gamma distribution. The
        variance is μ + μ**2 / θ (Lopez et al. 2018).
    """

    def __init__(self, mean: Tensor, dispersion: Tensor) -> None:
        self._mean = mean
        self.dispersion = dispersion

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        """The most probable count; of two that are equally so the higher."""
        F = namespace(self._mean)
        return F.floor(F.broadcast_mul(self._mean, F.relu(1 - 1 / self.dispersion)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of counts, summed over the last axis, in nats. No gradient flows to ``value``."""
        F, value = namespace(self._mean), stop_gradient(value)
        mean, dispersion, one = self._mean, self.dispersion, F.maximum(value, 1)
        difference, total = F.broadcast_sub(value, mean), F.broadcast_add(value, dispersion)
        relative = F.broadcast_div(value, dispersion)
        # of the odds, and of the values with θ added
        odds = log_ratio(
            F.broadcast_mul(one, 1 + F.broadcast_div(mean, dispersion)), F.broadcast_mul(mean, 1 + relative), difference
        )
        shifted = log_ratio(total, F.broadcast_add(mean, dispersion), difference)
        deviance = F.broadcast_sub(F.broadcast_mul(value, odds), F.broadcast_mul(dispersion, shifted))
        ways = F.broadcast_sub(stirling_remainder(total), stirling_remainder(dispersion))
        ways = F.broadcast_sub(ways, 0.5 * F.log1p(relative))
        return sum_last(F.broadcast_sub(F.broadcast_sub(ways, deviance), log_factorial_excess(value)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., X)``."""
        noise = _noise.uniform_for(self._mean, noise)
        return quantile("negative_binomial", noise, self._mean, self.dispersion)
