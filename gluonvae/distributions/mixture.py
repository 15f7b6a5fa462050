"""Mixtures of any distributions."""

from __future__ import annotations

import math
from typing import Callable, Optional

from ..backend.operators import Tensor, fold, log_sum_exp, namespace, stop_gradient, unfold
from .base import Distribution


class Mixture(Distribution):
    """One of K distributions, each with its probability.

    Parameters
    ----------
    log_weights : ``(K,)``, the logarithms of the probabilities.
    components : the K distributions, as one with parameters ``(K, ...)``.
    component : makes, of numbers ``(n,)`` from 0 to K - 1, the distributions so numbered, as one
        with parameters ``(n, ...)``.
    """

    def __init__(
        self, log_weights: Tensor, components: Distribution, component: Callable[[Tensor], Distribution]
    ) -> None:
        self.log_weights = log_weights
        self.components = components
        self.component = component

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        # (..., K), from values (..., 1, D)
        of_components = self.components.log_prob(F.expand_dims(value, axis=-2))
        return log_sum_exp(F.broadcast_add(of_components, self.log_weights), axis=-1)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """A draw ``(..., D)``, through which no gradient flows. ``noise`` is standard normal, with one
        number more in its last axis than a component takes, the last, which picks the component; it must
        be given."""
        if noise is None:
            raise TypeError("Mixture needs its noise: it cannot tell how many draws are wanted")
        F = namespace(noise)
        rows = fold(noise)
        pick = F.slice_axis(rows, axis=-1, begin=-1, end=None)
        number = picked(pick, F.expand_dims(F.exp(self.log_weights), axis=0))
        draws = self.component(number).rsample(F.slice_axis(rows, axis=-1, begin=0, end=-1))
        return stop_gradient(unfold(draws, noise))


def picked(normal: Tensor, probabilities: Tensor) -> Tensor:
    """For standard normal noise ``(..., R, 1)``, numbers from 0 to K - 1, ``(..., R)``: of each row of
    ``probabilities`` ``(R, K)`` (or of the only one) the first whose cumulative probability is not below that of
    the noise."""
    F = namespace(normal)
    uniform = 0.5 * (1 + F.erf(normal / math.sqrt(2)))
    # before each number; 0 before the first is no bar, and may be a rounding below 0
    before = F.cumsum(probabilities, axis=1) - probabilities
    return F.maximum(F.sum(F.broadcast_greater(uniform, before), axis=-1) - 1, 0)
