"""Gaussians with independent components."""

from __future__ import annotations

from typing import Optional

from ..backend import compiled, log_probs
from ..backend.operators import HALF_LOG_TWO_PI, namespace, sum_last
from ..backend.regions.availability import available
from ..backend.types import Tensor
from .base import Distribution, LocationScale


class Normal(LocationScale):
    """A Gaussian with independent components.

    A draw is ``mean + std * noise``, with standard normal noise ``(..., D)``.

    Parameters
    ----------
    mean : Tensor
        ``(..., D)``.
    std : Tensor
        Standard deviations, ``(..., D)``, positive.
    is_aligned : bool
        Whether mean and standard deviations have the same shape, that of a draw without its sample axis: then a draw
        and its log density are one operator.
    by_rows : bool
        Whether the values that are scored have that shape as well, but for axes of samples, as of a likelihood: then a
        log density is one operator.
    """

    _compiled_log_prob = staticmethod(log_probs.normal)

    def __init__(self, mean: Tensor, std: Tensor, is_aligned: bool = False, by_rows: bool = False) -> None:
        super().__init__(mean, std, by_rows)
        self.std = std
        self.is_aligned = is_aligned

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        if not (self.is_aligned and available()):
            return super().rsample_and_log_prob(noise)
        return compiled.normal_draw_and_log_prob(self.mean, self.std, self._variate(noise))

    def component_log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        return F.broadcast_sub(StandardNormal().component_log_prob(self._inverse(value)), F.log(self.std))

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        # the logarithms are summed on their own, as they have no axis of samples
        squares = sum_last(StandardNormal().component_log_prob(variate))
        return F.broadcast_sub(squares, F.sum(F.log(self.std), axis=-1))


class StandardNormal(Distribution):
    """A Gaussian with mean 0 and standard deviation 1 in every component."""

    def log_prob(self, value: Tensor) -> Tensor:
        return compiled.standard_normal_log_prob(value) if available() else super().log_prob(value)

    def component_log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * namespace(value).square(value) - HALF_LOG_TWO_PI

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Return the noise itself, which must be given, as there are no parameters to take a shape from."""
        if noise is None:
            raise TypeError("StandardNormal needs its noise: it has no parameters that tell a shape")
        return noise
