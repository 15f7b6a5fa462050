"""Discretised logistics: the levels of 8-bit images."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..ops import Tensor, is_symbol, log_sum_exp, namespace, softplus, sum_last
from .distribution import Distribution

TOP = 255
"""The highest level of a pixel. Values are n / TOP."""


class DiscretizedLogistic(Distribution):
    """Independent values n / 255, n = 0 to 255: a logistic variable rounded to the nearest of them, so that the
    lowest and the highest take the tails (Kingma et al. 2016; Salimans et al. 2017, equation 2).

    Parameters
    ----------
    mean, scale : of the logistic variable, ``(..., X)``, on the scale of the values; ``scale`` positive.
    """

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        # on the scale of levels, where the edges between them are exact: so neighbours' edges are the same
        self.centre = TOP * mean
        self.width = TOP * scale

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of values n / 255, summed over the last axis, in nats. No gradient flows to ``value``."""
        return sum_last(_log_mass(_level(value), self.centre, self.width))

    def _at_least(self, level: Tensor) -> Tensor:
        """The probability of each value to be that of ``level`` or higher, for ``level`` > 0."""
        return _above(level - 0.5, self.centre, self.width)

    def _zeros(self) -> Tensor:
        """Zeros ``(..., X)``."""
        return namespace(self.centre).zeros_like(self.centre)

    @property
    def mean(self) -> Tensor:
        """The expected value, the sum of the probabilities of each level or more, over 255. Exact: near the
        ends, or where the scale is small, it is not that of the logistic variable."""
        total = level = self._zeros()
        for _ in range(TOP):
            level = level + 1
            total = total + self._at_least(level)
        return total / TOP

    @property
    def mode(self) -> Tensor:
        F = namespace(self.centre)
        best = best_mass = level = self._zeros()
        reached = F.ones_like(level)
        for step in range(TOP + 1):
            passed = self._at_least(level + 1) if step < TOP else F.zeros_like(level)
            mass = reached - passed
            better = mass > best_mass
            best, best_mass = F.where(better, level, best), F.maximum(mass, best_mass)
            level, reached = level + 1, passed
        return F.BlockGrad(best / TOP)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of 1 - ``noise``, uniform in [0, 1), ``(..., X)``: the highest level that is reached
        with a probability above the noise, found by halving."""
        F = namespace(self.centre)
        if noise is None:
            noise = _noise.uniform_for(self.centre, None, None if is_symbol(self.centre) else self._zeros().shape)
        level = F.broadcast_add(F.zeros_like(noise), self._zeros())
        for step in (128, 64, 32, 16, 8, 4, 2, 1):
            level = level + step * F.broadcast_lesser(noise, self._at_least(level + step))
        return F.BlockGrad(level / TOP)


class DiscretizedLogisticMixture(DiscretizedLogistic):
    """Independent values n / 255, each a mixture of K discretised logistics (Salimans et al. 2017).

    Parameters
    ----------
    logits, mean, scale : ``(..., K * X)``, one component after the other; ``scale`` positive. The softmax of the
        logits are the probabilities of the components.
    components : K, at least 2.
    """

    def __init__(self, logits: Tensor, mean: Tensor, scale: Tensor, components: int) -> None:
        F = namespace(mean)
        # (..., K, X)
        logits, mean, scale = (
            F.stack(*F.split(tensor, num_outputs=components, axis=-1), axis=-2) for tensor in (logits, mean, scale)
        )
        super().__init__(mean, scale)
        self.log_weights = F.log_softmax(logits, axis=-2)

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(self.centre)
        mass = _log_mass(F.expand_dims(_level(value), axis=-2), self.centre, self.width)
        return sum_last(log_sum_exp(F.broadcast_add(mass, self.log_weights), axis=-2))

    def _at_least(self, level: Tensor) -> Tensor:
        F = namespace(self.centre)
        above = _above(F.expand_dims(level - 0.5, axis=-2), self.centre, self.width)
        return F.sum(F.broadcast_mul(above, F.exp(self.log_weights)), axis=-2)

    def _zeros(self) -> Tensor:
        F = namespace(self.centre)
        return F.sum(F.zeros_like(self.centre), axis=-2)


def _level(value: Tensor) -> Tensor:
    """The whole number n that the value n / 255 stands for."""
    F = namespace(value)
    return F.round(TOP * F.BlockGrad(value))


def _distance(edge: Tensor, centre: Tensor, width: Tensor) -> Tensor:
    F = namespace(centre)
    return F.broadcast_div(F.broadcast_sub(edge, centre), width)


def _above(edge: Tensor, centre: Tensor, width: Tensor) -> Tensor:
    """The probability that a logistic variable lies above ``edge``."""
    return namespace(centre).Activation(-_distance(edge, centre, width), act_type="sigmoid")


def _log_mass(level: Tensor, centre: Tensor, width: Tensor) -> Tensor:
    """The log probability of each level.

    With σ the logistic function, and a and b the standardised edges below and above the level, it is
    σ(b) - σ(a) = σ(b) σ(-a) (1 - exp(a - b)): no difference of numbers that are nearly the same. The lowest
    level has no edge below, the highest none above.
    """
    F = namespace(centre)
    not_lowest, not_highest = level > 0, level < TOP
    below = F.broadcast_mul(softplus(_distance(level - 0.5, centre, width)), not_lowest)
    above = F.broadcast_mul(softplus(-_distance(level + 0.5, centre, width)), not_highest)
    between = F.broadcast_mul(F.log(-F.expm1(-1 / width)), not_lowest * not_highest)
    return between - below - above
