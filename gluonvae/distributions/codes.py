"""Discrete latent states, codes, and their relaxations: drawn from standard normal noise.

The relaxed ones are distributions of the logarithms (or logits) of codes, whose density can be computed at any
temperature, where the codes themselves round to 0 and 1 (Maddison, Mnih and Teh 2017, appendix C.3). A KL divergence
is the same as of the codes, which are a function of their logarithms and the other way round.
"""

from __future__ import annotations

import math
from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, namespace, softplus, stop_gradient, sum_last
from .base import Distribution
from .bernoulli import Bernoulli
from .categorical import OneHotCategorical
from .variates import gumbel, logistic


class Codes(Distribution):
    """Base of the distributions of discrete codes and of relaxed ones."""

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """The code, ``(..., D)``, of a latent state: what the generator is given."""
        return latent_state

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """A draw as from :meth:`rsample`, through which no gradient flows; ``noise`` is standard normal."""
        return stop_gradient(self.rsample(noise))


class BinaryCodes(Codes, Bernoulli):
    """Independent zeros and ones.

    Parameters
    ----------
    logits : ``(..., D)``.
    temperature : ``(1,)``, of the gradient: :meth:`rsample` is discrete, and its gradient is that of the relaxed
        code of this temperature (straight through: Bengio, Léonard and Courville 2013; Jang, Gu and Poole 2017);
        left out, there is none.
    """

    def __init__(self, logits: Tensor, temperature: Optional[Tensor] = None) -> None:
        super().__init__(logits)
        self.temperature = temperature

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of zeros and ones ``(..., D)``, summed over the last axis, in nats; differentiable in them, as
        straight through asks."""
        return sum_last(self.component_log_prob(value))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """The log mass of each variable, ``(..., D)``, in nats."""
        F = namespace(self.logits)
        return F.broadcast_sub(F.broadcast_mul(value, self.logits), softplus(self.logits))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """1 where the logit and a logistic variate, made of standard normal noise ``(..., D)``, are together
        positive."""
        F, noise = namespace(self.logits), _noise.normal_for(self.logits, noise)
        perturbed = F.broadcast_add(logistic(noise), self.logits)
        discrete = stop_gradient(perturbed > 0)
        if self.temperature is None:
            return discrete
        return _straight_through(discrete, F.sigmoid(F.broadcast_div(perturbed, self.temperature)))


class OneHotCodes(Codes, OneHotCategorical):
    """Independent one-hot variables.

    Parameters
    ----------
    logits : ``(..., V * C)``.
    categories : C.
    temperature : as in :class:`BinaryCodes`.
    """

    def __init__(self, logits: Tensor, categories: int, temperature: Optional[Tensor] = None) -> None:
        super().__init__(logits, categories)
        self.temperature = temperature

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of one-hot ``value``, summed over the last axis, in nats; differentiable in it, as straight
        through asks."""
        return sum_last(namespace(value).broadcast_mul(value, self.log_probabilities))

    @property
    def log_probabilities(self) -> Tensor:
        """``(..., V * C)``, in nats."""
        F = namespace(self.logits)
        return F.reshape_like(F.log_softmax(self._blocks(self.logits), axis=-1), self.logits)

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The largest of the logits and Gumbel variates, made of standard normal noise ``(..., V * C)``."""
        F, noise = namespace(self.logits), _noise.normal_for(self.logits, noise)
        perturbed = F.broadcast_add(gumbel(noise), self.logits)
        discrete = OneHotCategorical(perturbed, self.categories).mode
        if self.temperature is None:
            return discrete
        tempered = OneHotCategorical(F.broadcast_div(perturbed, self.temperature), self.categories)
        return _straight_through(discrete, tempered.mean)


def _straight_through(discrete: Tensor, relaxed: Tensor) -> Tensor:
    """The value of one with the gradient of the other."""
    return discrete + (relaxed - stop_gradient(relaxed))


class RelaxedBernoulli(Codes):
    """Independent logits of numbers between 0 and 1, nearer to them the lower the temperature: a binary concrete
    variable is the sigmoid of one (Maddison, Mnih and Teh 2017, appendix B and equation 25).

    Parameters
    ----------
    logits : ``(..., D)``; the number is more than 1/2 with the probability that is their sigmoid.
    temperature : ``(1,)``, positive.
    """

    def __init__(self, logits: Tensor, temperature: Tensor) -> None:
        self.logits = logits
        self.temperature = temperature

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """Numbers between 0 and 1."""
        return namespace(latent_state).sigmoid(latent_state)

    def log_prob(self, value: Tensor) -> Tensor:
        return sum_last(self.component_log_prob(value))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """The log density of each variable, ``(..., D)``, in nats."""
        F = namespace(self.logits)
        return self._of_logistic(F.broadcast_sub(F.broadcast_mul(value, self.temperature), self.logits))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """(logit + logistic variate) / temperature, for standard normal noise ``(..., D)``."""
        F, noise = namespace(self.logits), _noise.normal_for(self.logits, noise)
        return F.broadcast_div(F.broadcast_add(logistic(noise), self.logits), self.temperature)

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        noise = _noise.normal_for(self.logits, noise)
        # temperature * value - logit is the variate, which depends on no parameter
        return self.rsample(noise), sum_last(self._of_logistic(logistic(noise)))

    def _of_logistic(self, variate: Tensor) -> Tensor:
        density = -(softplus(variate) + softplus(-variate))
        return namespace(density).broadcast_add(density, namespace(density).log(self.temperature))


class RelaxedOneHotCategorical(Codes):
    """Independent logarithms of points of a simplex, nearer to its corners the lower the temperature: a
    Gumbel-softmax, or concrete, variable is the exponential of one (Maddison, Mnih and Teh 2017, equation 23;
    Jang, Gu and Poole 2017).

    Parameters
    ----------
    logits : ``(..., V * C)``, a block for each variable; the largest of a block is one with the probability
        that is the softmax of the logits.
    categories : C.
    temperature : ``(1,)``, positive.

    The density is that over the first C - 1 coordinates of the points, times their product over all C.
    """

    def __init__(self, logits: Tensor, categories: int, temperature: Tensor) -> None:
        self.logits = logits
        self.categories = categories
        self.temperature = temperature

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """Blocks of positive numbers whose sum is 1."""
        return namespace(latent_state).exp(latent_state)

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(self.logits)
        return self._of_gumbel(F.broadcast_sub(self.logits, F.broadcast_mul(value, self.temperature)))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The log_softmax of (logits + Gumbel variates) / temperature, for standard normal noise
        ``(..., V * C)``."""
        F, noise = namespace(self.logits), _noise.normal_for(self.logits, noise)
        return self._log_softmax(F.broadcast_div(F.broadcast_add(gumbel(noise), self.logits), self.temperature))

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        noise = _noise.normal_for(self.logits, noise)
        # logit - temperature * value is, but for what all of a block share, the variate's opposite
        return self.rsample(noise), self._of_gumbel(-gumbel(noise))

    def _of_gumbel(self, opposite: Tensor) -> Tensor:
        """The log density, of what is minus the Gumbel variates but for a number that a block shares."""
        F, size = namespace(opposite), self.categories
        # log (C - 1)! + (C - 1) log temperature for a variable, in C shares
        share = (math.lgamma(size) + (size - 1) * F.log(self.temperature)) / size
        return sum_last(F.broadcast_add(self._log_softmax(opposite), share))

    def _log_softmax(self, x: Tensor) -> Tensor:
        F = namespace(x)
        return F.reshape_like(F.log_softmax(F.reshape(x, shape=(-1, self.categories)), axis=-1), x)
