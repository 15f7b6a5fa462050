"""Discretised logistics: the levels of 8-bit images."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, log_sum_exp, namespace, softplus, stop_gradient, sum_last
from .base import Distribution

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

    def _above(self, level: Tensor) -> Tensor:
        """The probability of each component to be at ``level`` or higher, for levels ``(..., X)`` or ``(1,)`` from
        1 to 255."""
        return _above(level - 0.5, self.centre, self.width)

    def _mixed(self, of_components: Tensor) -> Tensor:
        """The mean over components, ``(..., X)``, of which there is one here."""
        return of_components

    def _at_least(self, level: Tensor) -> Tensor:
        """The probability of each value to be that of ``level`` or higher, ``(..., X)``."""
        return self._mixed(self._above(level))

    def _one(self) -> Tensor:
        """A 1, ``(1,)``, of the dtype of the parameters, in whichever of the two modes."""
        F = namespace(self.centre)
        return F.ones_like(F.slice_axis(F.reshape(stop_gradient(self.centre), shape=(-1,)), axis=0, begin=0, end=1))

    @property
    def mean(self) -> Tensor:
        """The expected value, the sum of the probabilities of each level or more, over 255. Exact: near the
        ends, or where the scale is small, it is not that of the logistic variable."""
        F, one = namespace(self.centre), self._one()
        # 15 at a time, so that no more are held in memory
        sums = (F.add_n(*(self._above(one * n) for n in range(start, start + 15))) for start in range(1, TOP, 15))
        return self._mixed(F.add_n(*sums) / TOP)

    @property
    def mode(self) -> Tensor:
        """The most probable value; the lowest of those that are equally so."""
        F, one = namespace(self.centre), self._one()
        reached = self._at_least(one)
        best, level = 1 - reached, F.zeros_like(reached)
        for n in range(1, TOP + 1):
            passed = self._at_least(one * (n + 1)) if n < TOP else F.zeros_like(reached)
            mass, reached = reached - passed, passed
            better = mass > best
            best, level = F.maximum(mass, best), F.where(better, n * F.ones_like(level), level)
        return stop_gradient(level / TOP)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of 1 - ``noise``, uniform in [0, 1), ``(..., X)``: the highest level that is reached
        with a probability above the noise, found by halving."""
        F = namespace(self.centre)
        noise = _noise.uniform_for(self._for_each_value(), noise)
        level = F.zeros_like(noise)
        for step in (128, 64, 32, 16, 8, 4, 2, 1):
            further = F.broadcast_lesser(noise, self._at_least(level + step))
            level = F.broadcast_add(level, step * further)
        return stop_gradient(level / TOP)

    def _for_each_value(self) -> Tensor:
        """Some tensor ``(..., X)``."""
        return self.centre


class DiscretizedLogisticMixture(DiscretizedLogistic):
    """Independent values n / 255, each a mixture of K discretised logistics (Salimans et al. 2017).

    Parameters
    ----------
    logits, mean, scale : ``(..., K * X)``, one component after the other; ``scale`` positive. The softmax of the
        logits are the probabilities of the components.
    components : K.
    """

    def __init__(self, logits: Tensor, mean: Tensor, scale: Tensor, components: int) -> None:
        F = namespace(mean)
        # (..., K, X); not by F.split, whose backward pass crashes where all its gradients are 0 (MXNet 1.9.1)
        logits, mean, scale = (
            F.reshape(tensor, shape=(-2, components, -1, -4), reverse=True) for tensor in (logits, mean, scale)
        )
        super().__init__(mean, scale)
        self.log_weights = F.log_softmax(logits, axis=-2)
        self.weights = F.exp(self.log_weights)

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(self.centre)
        mass = _log_mass(F.expand_dims(_level(value), axis=-2), self.centre, self.width)
        return sum_last(log_sum_exp(F.broadcast_add(mass, self.log_weights), axis=-2))

    def _above(self, level: Tensor) -> Tensor:
        return super()._above(namespace(level).expand_dims(level, axis=-2))

    def _mixed(self, of_components: Tensor) -> Tensor:
        F = namespace(self.centre)
        return F.sum(F.broadcast_mul(of_components, self.weights), axis=-2)

    def _for_each_value(self) -> Tensor:
        return self._mixed(self.centre)


def _level(value: Tensor) -> Tensor:
    """The whole number n that the value n / 255 stands for."""
    F = namespace(value)
    return F.round(TOP * stop_gradient(value))


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
