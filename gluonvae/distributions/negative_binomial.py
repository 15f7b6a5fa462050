"""Products of negative binomials: counts that vary more than a Poisson's."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..ops import Tensor, namespace, stop_gradient, sum_last
from ..quantiles import quantile
from .distribution import Distribution


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
        F = namespace(self._mean)
        value, ratio = stop_gradient(value), F.broadcast_div(self._mean, self.dispersion)
        failures = F.broadcast_mul(self.dispersion, F.log1p(ratio))
        successes = F.broadcast_mul(value, F.log1p(1 / ratio))
        ways = F.broadcast_sub(F.gammaln(F.broadcast_add(value, self.dispersion)), F.gammaln(self.dispersion))
        log_prob = F.broadcast_sub(F.broadcast_sub(ways, failures), successes)
        return F.broadcast_sub(sum_last(log_prob), sum_last(F.gammaln(value + 1)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., X)``."""
        noise = _noise.uniform_for(self._mean, noise)
        return quantile("negative_binomial", noise, self._mean, self.dispersion)
