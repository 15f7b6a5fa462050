"""Discrete latent states, called codes, drawn by standard normal noise."""

from __future__ import annotations

from functools import partial
from typing import Callable, Optional

from ..backend.operators import namespace, softplus, stop_gradient
from ..backend.types import Tensor
from ..noise import NoiseSpec
from .base import Distribution
from .bernoulli import Bernoulli
from .categorical import OneHotCategorical
from .variates import gumbel, logistic


class Codes(Distribution):
    """Base class of the distributions of discrete codes and of their relaxations."""

    noise_kind = "normal"

    @classmethod
    def noise(cls, size: int, *options: int) -> NoiseSpec:
        return NoiseSpec(cls.noise_kind, size)

    @staticmethod
    def code(latent_state: Tensor) -> Tensor:
        """Convert a latent state to its code, the input of the generator.

        Parameters
        ----------
        latent_state : Tensor
            ``(..., D)``.

        Returns
        -------
        Tensor
            ``(..., D)``.
        """
        return latent_state

    # here and not inherited from the mass functions that some kinds are, which take uniform noise
    sample = Distribution.sample


class BinaryCodes(Codes, Bernoulli):
    """Independent zeros and ones.

    A draw is 1 where the sum of the logit and a logistic variate of the noise, ``(..., D)``, is positive.

    Parameters
    ----------
    logits : Tensor
        ``(..., D)``.
    temperature : Tensor, optional
        ``(1,)``. A draw is discrete, and its gradient is that of the relaxed code of this temperature: the
        straight-through estimator (Bengio, Léonard and Courville 2013; Jang, Gu and Poole 2017). If left out,
        there is no gradient.
    """

    def __init__(self, logits: Tensor, temperature: Optional[Tensor] = None) -> None:
        super().__init__(logits)
        self.temperature = temperature

    # unlike that of Bernoulli it is differentiable in the value, for the straight-through estimator
    log_prob = Distribution.log_prob

    def component_log_prob(self, value: Tensor) -> Tensor:
        F = namespace(self.logits)
        return F.broadcast_sub(F.broadcast_mul(value, self.logits), softplus(self.logits))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        F, variate = namespace(self.logits), logistic(self._noise_for(self.logits, noise))
        return _straight_through(Bernoulli, F.broadcast_add(variate, self.logits), self.temperature)


class OneHotCodes(Codes, OneHotCategorical):
    """Independent one-hot variables.

    A draw is the largest of the sums of logits and Gumbel variates of the noise, ``(..., V * C)``.

    Parameters
    ----------
    logits : Tensor
        ``(..., V * C)``.
    categories : int
        C.
    temperature : Tensor, optional
        See :class:`BinaryCodes`.
    """

    def __init__(self, logits: Tensor, categories: int, temperature: Optional[Tensor] = None) -> None:
        super().__init__(logits, categories)
        self.temperature = temperature

    # the numbers of a block are not independent of each other
    component_log_prob = Distribution.component_log_prob

    def log_prob(self, value: Tensor) -> Tensor:
        # unlike that of OneHotCategorical it is differentiable in the value, for the straight-through estimator
        return self._log_prob_at(value)

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        F, variate = namespace(self.logits), gumbel(self._noise_for(self.logits, noise))
        one_hot = partial(OneHotCategorical, categories=self.categories)
        return _straight_through(one_hot, F.broadcast_add(variate, self.logits), self.temperature)


def _straight_through(kind: Callable[[Tensor], Distribution], logits: Tensor, temperature: Optional[Tensor]) -> Tensor:
    """Return the mode of a distribution, with the gradient of the mean of that with ``logits / temperature``."""
    discrete = stop_gradient(kind(logits).mode)
    if temperature is None:
        return discrete
    relaxed = kind(namespace(logits).broadcast_div(logits, temperature)).mean
    return discrete + (relaxed - stop_gradient(relaxed))
