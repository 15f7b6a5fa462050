"""Products of Laplace distributions."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, namespace, stop_gradient, sum_last
from .base import Distribution


class Laplace(Distribution):
    """Independent values with density exp(-abs(x - mean) / scale) / (2 scale).

    Parameters
    ----------
    mean, scale : ``(..., D)``, ``scale`` positive: the mean absolute deviation.
    """

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self._mean = mean
        self.scale = scale

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        return self._mean

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        distance = F.broadcast_div(F.abs(F.broadcast_sub(value, self._mean)), self.scale)
        return -F.broadcast_add(sum_last(distance), sum_last(F.log(2 * self.scale)))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., D)``."""
        F = namespace(self._mean)
        centred = _noise.uniform_for(self._mean, noise) - 0.5
        # the largest float32 below 1: at noise of exactly 0 the quantile is infinite
        tail = F.minimum(2 * F.abs(centred), 1 - 2.0**-24)
        standard = -F.sign(centred) * F.log1p(-tail)
        return F.broadcast_add(F.broadcast_mul(standard, self.scale), self._mean)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return stop_gradient(self.rsample(noise))
