"""Products of Laplace distributions."""

from __future__ import annotations

from typing import Optional

from ..backend import log_probs
from ..backend.operators import namespace, sum_last
from ..backend.types import Tensor
from .base import LocationScale


class Laplace(LocationScale):
    """Independent values with density exp(-abs(x - mean) / scale) / (2 scale).

    A draw is the quantile of noise that is uniform in [0, 1), ``(..., D)``.

    Parameters
    ----------
    mean : Tensor
        ``(..., D)``.
    scale : Tensor
        The mean absolute deviation, ``(..., D)``, positive.
    by_rows : bool
        Whether mean, scale and the values that are scored have the same shape, but for axes of samples, as of a
        likelihood: then a log density is one operator.
    """

    noise_kind = "uniform"
    _compiled_log_prob = staticmethod(log_probs.laplace)

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        F, centred = namespace(self._mean), super()._variate(noise) - 0.5
        # the largest float32 below 1, as the quantile of exactly 0 is infinite
        tail = F.minimum(2 * F.abs(centred), 1 - 2.0**-24)
        return -F.sign(centred) * F.log1p(-tail)

    def component_log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        return -F.broadcast_add(F.abs(self._inverse(value)), F.log(2 * self.scale))

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        # where one scale is that of all components, the error of sum_last would not average out
        return -F.broadcast_add(sum_last(F.abs(variate)), F.sum(F.log(2 * self.scale), axis=-1))
