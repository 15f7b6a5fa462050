"""Gaussians with a full covariance."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, namespace, stop_gradient
from .base import Distribution
from .columns import as_columns, as_rows
from .normal import StandardNormal


class MultivariateNormal(Distribution):
    """A Gaussian with a mean and a covariance L L'.

    Parameters
    ----------
    mean : ``(B, D)``.
    factor : L, ``(B, D, D)``, lower triangular, with a positive diagonal.
    """

    def __init__(self, mean: Tensor, factor: Tensor) -> None:
        self._mean = mean
        self.factor = factor

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        return self._mean

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        distance = F.broadcast_sub(value, self._mean)
        standardised = as_rows(F.linalg.trsm(self.factor, as_columns(distance)), distance)
        return self._log_prob(standardised)

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """``mean + L noise``, with standard normal noise ``(..., B, D)``."""
        F = namespace(self._mean)
        noise = _noise.normal_for(self._mean, noise)
        return F.broadcast_add(as_rows(F.linalg.trmm(self.factor, as_columns(noise)), noise), self._mean)

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        noise = _noise.normal_for(self._mean, noise)
        return self.rsample(noise), self._log_prob(noise)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return stop_gradient(self.rsample(noise))

    def _log_prob(self, standardised: Tensor) -> Tensor:
        F = namespace(standardised)
        return F.broadcast_sub(StandardNormal().log_prob(standardised), F.linalg.sumlogdiag(self.factor))
