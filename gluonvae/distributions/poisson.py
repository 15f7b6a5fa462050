"""Products of Poisson distributions."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..ops import Tensor, namespace, stop_gradient, sum_last
from ..quantiles import quantile
from .distribution import Distribution


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
        F = namespace(self.rate)
        value = stop_gradient(value)
        likely = F.broadcast_sub(F.broadcast_mul(value, F.log(self.rate)), self.rate)
        return F.broadcast_sub(sum_last(likely), sum_last(F.gammaln(value + 1)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., X)``."""
        return quantile("poisson", _noise.uniform_for(self.rate, noise), self.rate)
