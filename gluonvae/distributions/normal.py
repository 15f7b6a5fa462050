"""Diagonal Gaussians."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import HALF_LOG_TWO_PI, Tensor, namespace, stop_gradient, sum_last
from .base import Distribution


class Normal(Distribution):
    """A Gaussian with independent components.

    Parameters
    ----------
    mean, std : ``(..., D)``, ``std`` positive.
    """

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        self._mean = mean
        self.std = std

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        return self._mean

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        return F.broadcast_sub(StandardNormal().log_prob(self._standardised(value)), F.sum(F.log(self.std), axis=-1))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """The log density of each component, ``(..., D)``, in nats."""
        F = namespace(value)
        return F.broadcast_sub(StandardNormal().component_log_prob(self._standardised(value)), F.log(self.std))

    def _standardised(self, value: Tensor) -> Tensor:
        F = namespace(value)
        distance = F.broadcast_sub(value, self._mean)
        # std is spread by a sum: the gradient of that is a sum too, where the one of a division that
        # broadcasts takes each product anew as it adds up, and more than twice the time
        return F.broadcast_div(distance, F.broadcast_add(F.zeros_like(distance), self.std))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """``mean + std * noise``, with standard normal noise ``(..., D)``.

        MXNet's own samplers give the parameters a zero gradient without a word.
        """
        F = namespace(self._mean)
        noise = _noise.normal_for(self._mean, noise)
        return F.broadcast_add(F.broadcast_mul(noise, self.std), self._mean)

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        F = namespace(self._mean)
        noise = _noise.normal_for(self._mean, noise)
        # (value - mean) / std is the noise, which depends on no parameter.
        log_prob = F.broadcast_sub(StandardNormal().log_prob(noise), F.sum(F.log(self.std), axis=-1))
        return self.rsample(noise), log_prob

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return stop_gradient(self.rsample(noise))


class StandardNormal(Distribution):
    """A Gaussian with mean 0 and standard deviation 1 in every component."""

    def log_prob(self, value: Tensor) -> Tensor:
        return -sum_last(self._surprise(value))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """The log density of each component, ``(..., D)``, in nats."""
        return -self._surprise(value)

    @staticmethod
    def _surprise(value: Tensor) -> Tensor:
        return 0.5 * namespace(value).square(value) + HALF_LOG_TWO_PI

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The noise itself, which must be given: there are no parameters to take a shape from."""
        if noise is None:
            raise TypeError("StandardNormal needs its noise: it has no parameters that tell a shape")
        return noise

    sample = rsample
