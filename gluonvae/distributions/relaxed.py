"""Relaxations of discrete latent states, drawn by standard normal noise.

They are distributions of the logits or logarithms of relaxed codes, and not of the codes, which round to 0 and 1 at
low temperatures, so that their density could not be computed (Maddison, Mnih and Teh 2017, appendix C.3). A KL
divergence is the same for both, because each is an invertible function of the other.
"""

from __future__ import annotations

import math
from typing import Optional

from ..backend.operators import namespace, softplus, sum_last
from ..backend.types import Tensor
from .base import Reparametrized
from .categorical import OneHotCategorical
from .discrete import Codes
from .variates import gumbel, logistic


class RelaxedCodes(Codes, Reparametrized):
    """Base class of the distributions of ``(logits + variate) / temperature``.

    Parameters
    ----------
    logits : Tensor
        ``(..., D)``.
    temperature : Tensor
        ``(1,)``, positive.
    """

    def __init__(self, logits: Tensor, temperature: Tensor) -> None:
        self.logits = logits
        self.temperature = temperature

    def _forward(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        return F.broadcast_div(F.broadcast_add(variate, self.logits), self.temperature)

    def _inverse(self, value: Tensor) -> Tensor:
        F = namespace(value)
        return F.broadcast_sub(F.broadcast_mul(value, self.temperature), self.logits)


class RelaxedBernoulli(RelaxedCodes):
    """Logits of independent numbers between 0 and 1, which are closer to 0 or 1 the lower the temperature.

    The numbers, the sigmoids of the logits, are binary concrete variables (Maddison, Mnih and Teh 2017, appendix B
    and equation 25). A draw is (logit + logistic variate) / temperature, for standard normal noise ``(..., D)``.

    Parameters
    ----------
    logits : Tensor
        ``(..., D)``. Their sigmoids are the probabilities that the numbers are above 1/2.
    temperature : Tensor
        ``(1,)``, positive.
    """

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """Return the numbers between 0 and 1."""
        return namespace(latent_state).sigmoid(latent_state)

    @property
    def mean(self) -> Tensor:
        # that of a logistic variate is 0
        return namespace(self.logits).broadcast_div(self.logits, self.temperature)

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        return logistic(self._noise_for(self.logits, noise))

    def component_log_prob(self, value: Tensor) -> Tensor:
        return self._component_log_prob_of(self._inverse(value))

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        return sum_last(self._component_log_prob_of(variate))

    def _component_log_prob_of(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        return F.broadcast_sub(F.log(self.temperature), softplus(variate) + softplus(-variate))


class RelaxedOneHotCategorical(RelaxedCodes):
    """Logarithms of independent points of a simplex, which are closer to its corners the lower the temperature.

    The points, the exponentials of the logarithms, are Gumbel-softmax or concrete variables (Maddison, Mnih and Teh
    2017, equation 23; Jang, Gu and Poole 2017). A draw is the log_softmax of (logits + Gumbel variates) /
    temperature, for standard normal noise ``(..., V * C)``. The density is that over the first C - 1 coordinates of
    the points, times the product of all C coordinates.

    Parameters
    ----------
    logits : Tensor
        ``(..., V * C)``, a block for each variable. The softmax of a block are the probabilities that each
        coordinate is the largest.
    categories : int
        C.
    temperature : Tensor
        ``(1,)``, positive.
    """

    def __init__(self, logits: Tensor, categories: int, temperature: Tensor) -> None:
        super().__init__(logits, temperature)
        self.categories = categories

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """Return the points, blocks of positive numbers with sum 1."""
        return namespace(latent_state).exp(latent_state)

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        return gumbel(self._noise_for(self.logits, noise))

    def _forward(self, variate: Tensor) -> Tensor:
        return OneHotCategorical(super()._forward(variate), self.categories).log_probabilities

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        """Compute the log density; a number that is added to a whole block of variates does not change it."""
        F, size = namespace(variate), self.categories
        # log (C - 1)! + (C - 1) log temperature for each variable, in C equal parts
        constant = (math.lgamma(size) + (size - 1) * F.log(self.temperature)) / size
        return sum_last(F.broadcast_add(OneHotCategorical(-variate, size).log_probabilities, constant))
