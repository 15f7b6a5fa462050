"""Discretised logistics: the levels of 8-bit images."""

from __future__ import annotations

import functools
import operator
from typing import Optional

from ..backend import log_probs
from ..backend.operators import log_softmax, log_sum_exp, namespace, softplus, stop_gradient
from ..backend.regions.availability import available
from ..backend.types import Tensor
from .base import Distribution

TOP = 255
"""The highest level of a pixel. Values are n / TOP."""


class DiscretizedLogistic(Distribution):
    """Independent values n / 255, n = 0 to 255: logistic variables rounded to the nearest of these values.

    The lowest and the highest value take the tails (Kingma et al. 2016; Salimans et al. 2017, equation 2). No
    gradient flows to values.

    Parameters
    ----------
    mean, scale : Tensor
        Mean and scale of the logistic variables, ``(..., X)``, in units of the values; ``scale`` positive.
    by_rows : bool
        Whether mean, scale and the values that are scored have the same shape, but for axes of samples, as of a
        likelihood: then a log mass is one operator.
    """

    noise_kind = "uniform"

    def __init__(self, mean: Tensor, scale: Tensor, by_rows: bool = False) -> None:
        self.location = mean
        self.scale = scale
        self.by_rows = by_rows

    @functools.cached_property
    def centre(self) -> Tensor:
        """The mean of the logistic variables in units of levels, in which the edges between levels are exact."""
        return TOP * self.location

    @functools.cached_property
    def width(self) -> Tensor:
        """Their scale in units of levels."""
        return TOP * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        if self.by_rows and available() and log_probs.fit(self.location, self.scale, value):
            return log_probs.discretized_logistic(self.location, self.scale, value)
        return super().log_prob(value)

    def component_log_prob(self, value: Tensor) -> Tensor:
        # with σ the logistic function, and a and b the standardised edges below and above the level, the mass is
        # σ(b) - σ(a) = σ(b) σ(-a) (1 - exp(a - b)), which is no difference of almost equal numbers; the lowest level
        # has no edge below, and the highest none above
        F, level = namespace(self.centre), namespace(value).round(TOP * stop_gradient(value))
        not_lowest, not_highest = level > 0, level < TOP
        below = F.broadcast_mul(softplus(self._standardized(level - 0.5)), not_lowest)
        above = F.broadcast_mul(softplus(-self._standardized(level + 0.5)), not_highest)
        between = F.broadcast_mul(F.log(-F.expm1(-1 / self.width)), not_lowest * not_highest)
        return between - below - above

    @property
    def mean(self) -> Tensor:
        """The expected value, ``(..., X)``: the sum over n = 1 to 255 of the probability of n / 255 or more, over 255.

        It is exact: near the ends and for small scales it is not the mean of the logistic variable.
        """
        F = namespace(self.centre)

        def at_least(n: int) -> Tensor:
            return F.Activation(F.broadcast_div(self.centre - (n - 0.5), self.width), act_type="sigmoid")

        # 15 at a time, to hold no more in memory
        sums = (F.add_n(*map(at_least, range(n, n + 15))) for n in range(1, TOP, 15))
        return functools.reduce(operator.add, sums) / TOP

    @property
    def mode(self) -> Tensor:
        """The most probable value, ``(..., X)``; the lowest where several are."""
        F, level = namespace(self.centre), self._zeros()
        reached = self._at_least(level + 1)
        best, zero = 1 - reached, level
        for n in range(1, TOP + 1):
            passed = self._at_least(zero + (n + 1)) if n < TOP else zero
            mass, reached = reached - passed, passed
            better = mass > best
            best, level = F.maximum(mass, best), F.where(better, zero + n, level)
        return stop_gradient(level / TOP)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw the highest values that are reached or exceeded with a probability above the noise.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        F, noise = namespace(self.centre), self._noise_for(self._zeros(), noise)
        level = F.zeros_like(noise)
        # by bisection
        for step in (128, 64, 32, 16, 8, 4, 2, 1):
            further = F.broadcast_lesser(noise, self._at_least(level + step))
            level = F.broadcast_add(level, step * further)
        return stop_gradient(level / TOP)

    def _zeros(self) -> Tensor:
        """Return zeros of the shape of the values, ``(..., X)``."""
        return namespace(self.centre).zeros_like(self.centre)

    def _standardized(self, edge: Tensor) -> Tensor:
        F = namespace(self.centre)
        return F.broadcast_div(F.broadcast_sub(edge, self.centre), self.width)

    def _at_least(self, level: Tensor) -> Tensor:
        """Compute the probability of ``level`` or a higher one, for levels ``(..., X)`` from 1 to 255."""
        return namespace(level).Activation(-self._standardized(level - 0.5), act_type="sigmoid")


class DiscretizedLogisticMixture(DiscretizedLogistic):
    """Independent values n / 255, each a mixture of K discretised logistics (Salimans et al. 2017).

    Parameters
    ----------
    logits, mean, scale : Tensor
        ``(..., K * X)``, one component after the other; ``scale`` positive. The softmax of the logits are the
        probabilities of the components.
    components : int
        K.
    by_rows : bool
        Whether values ``(..., X)`` have the same leading axes, but for those of samples, see
        :class:`DiscretizedLogistic`.
    """

    def __init__(self, logits: Tensor, mean: Tensor, scale: Tensor, components: int, by_rows: bool = False) -> None:
        self.components, self._parameters = components, (logits, mean, scale)
        F, shape = namespace(mean), (-2, components, -1, -4)
        # (..., K, X); not by F.split, whose backward pass crashes where all its gradients are 0 (MXNet 1.9.1)
        logits, mean, scale = (F.reshape(tensor, shape=shape, reverse=True) for tensor in (logits, mean, scale))
        super().__init__(mean, scale, by_rows)
        self._logits = logits

    @functools.cached_property
    def log_weights(self) -> Tensor:
        """Logarithms of the probabilities of the components, ``(..., K, X)``."""
        return log_softmax(self._logits, axis=-2)

    @functools.cached_property
    def weights(self) -> Tensor:
        """The probabilities of the components, ``(..., K, X)``."""
        return namespace(self._logits).exp(self.log_weights)

    def log_prob(self, value: Tensor) -> Tensor:
        K = self.components
        if self.by_rows and available() and log_probs.fit(*self._parameters, value, components=K):
            return log_probs.discretized_logistic_mixture(*self._parameters, value, K)
        return Distribution.log_prob(self, value)

    def component_log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        mass = super().component_log_prob(F.expand_dims(value, axis=-2))
        return log_sum_exp(F.broadcast_add(mass, self.log_weights), axis=-2)

    @property
    def mean(self) -> Tensor:
        return self._mixed(super().mean)

    def _zeros(self) -> Tensor:
        return self._mixed(super()._zeros())

    def _at_least(self, level: Tensor) -> Tensor:
        return self._mixed(super()._at_least(namespace(level).expand_dims(level, axis=-2)))

    def _mixed(self, of_components: Tensor) -> Tensor:
        """Compute the mean over components, ``(..., K, X)`` to ``(..., X)``."""
        F = namespace(of_components)
        return F.sum(F.broadcast_mul(of_components, self.weights), axis=-2)
