"""Products of distributions of counts: Poisson, and negative binomial."""

from __future__ import annotations

from typing import Optional

from ..backend.operators import namespace, stop_gradient
from ..backend.types import Tensor
from .base import Distribution
from .quantiles import quantile
from .special import log_factorial_excess, log_ratio, stirling_error

# A log mass is computed as that of the distribution with its mean at the value, minus a deviance (Loader 2000). Where
# the mass matters both are small, whereas value * log(rate), the rate and log(value!) are numbers in the thousands,
# whose difference has too few of a float32's digits.


class Poisson(Distribution):
    """Independent counts 0, 1, 2, ...

    Parameters
    ----------
    rate : Tensor
        The expected counts, ``(..., X)``, positive.
    """

    noise_kind = "uniform"

    def __init__(self, rate: Tensor) -> None:
        self.rate = rate

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        """The most probable count, ``(..., X)``; the higher where two are."""
        return namespace(self.rate).floor(self.rate)

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of each count; no gradient flows to the counts.

        Parameters
        ----------
        value : Tensor
            ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``, in nats.
        """
        F, value = namespace(self.rate), stop_gradient(value)
        difference = F.broadcast_sub(value, self.rate)
        ratio = log_ratio(F.maximum(value, 1), self.rate, difference)
        log_prob = F.broadcast_sub(difference, F.broadcast_mul(value, ratio))
        return F.broadcast_sub(log_prob, log_factorial_excess(value))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw counts by the inverse of the distribution function.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        return quantile("poisson", self._noise_for(self.rate, noise), self.rate)


class NegativeBinomial(Distribution):
    """Independent counts 0, 1, 2, ...: Poisson with a rate from a gamma distribution.

    Parameters
    ----------
    mean : Tensor
        μ, ``(..., X)``, positive.
    dispersion : Tensor
        The inverse dispersion θ, ``(..., X)``, positive: the shape of the gamma distribution. The variance is
        μ + μ**2 / θ (Lopez et al. 2018).
    """

    noise_kind = "uniform"

    def __init__(self, mean: Tensor, dispersion: Tensor) -> None:
        self._mean = mean
        self.dispersion = dispersion

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        """The most probable count, ``(..., X)``; the higher where two are."""
        F = namespace(self._mean)
        return F.floor(F.broadcast_mul(self._mean, F.relu(1 - 1 / self.dispersion)))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of each count; no gradient flows to the counts.

        Parameters
        ----------
        value : Tensor
            ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``, in nats.
        """
        F, value = namespace(self._mean), stop_gradient(value)
        mean, dispersion = self._mean, self.dispersion
        difference, total = F.broadcast_sub(value, mean), F.broadcast_add(value, dispersion)
        relative, mean_relative = F.broadcast_div(value, dispersion), F.broadcast_div(mean, dispersion)
        # log ratios of the odds of value and mean, x / (θ + x), and of their sums with θ
        one = F.maximum(value, 1)
        odds = log_ratio(F.broadcast_mul(one, 1 + mean_relative), F.broadcast_mul(mean, 1 + relative), difference)
        shifted = log_ratio(total, F.broadcast_add(mean, dispersion), difference)
        deviance = F.broadcast_sub(F.broadcast_mul(value, odds), F.broadcast_mul(dispersion, shifted))
        # log of the binomial coefficient, without the terms that the deviance has
        ways = F.broadcast_sub(stirling_error(total), stirling_error(dispersion))
        ways = F.broadcast_sub(ways, 0.5 * F.log1p(relative))
        return F.broadcast_sub(F.broadcast_sub(ways, deviance), log_factorial_excess(value))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw counts by the inverse of the distribution function.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        return quantile("negative_binomial", self._noise_for(self._mean, noise), self._mean, self.dispersion)
