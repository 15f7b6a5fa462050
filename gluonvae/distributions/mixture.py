"""Mixtures of any distributions."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional

from ..backend.operators import cumsum, fold, log_sum_exp, namespace, stop_gradient, unfold
from ..backend.structures import leaves, map_structure
from ..backend.types import Structure, Tensor
from ..noise import NoiseSpec
from .base import Distribution


class MixtureNoise(NamedTuple):
    """The noise that a draw from a mixture takes."""

    component: Structure
    """Uniform in [0, 1), ``(..., 1)``: picks the component."""
    value: Structure
    """The noise of a draw from the component."""


class Mixture(Distribution):
    """A mixture of K distributions.

    Parameters
    ----------
    log_weights : Tensor
        Logarithms of the probabilities of the components, ``(K,)``.
    components : Distribution
        The K distributions, as one with parameters ``(K, ...)``.
    component : callable
        Takes indices from 0 to K - 1, ``(n,)``, and returns these components as one distribution with parameters
        ``(n, ...)``.
    """

    def __init__(
        self, log_weights: Tensor, components: Distribution, component: Callable[[Tensor], Distribution]
    ) -> None:
        self.log_weights = log_weights
        self.components = components
        self.component = component

    @classmethod
    def noise(cls, size: int, value: Optional[Structure] = None) -> MixtureNoise:
        """Return the noise that a draw takes.

        Parameters
        ----------
        size : int
            D, the length of the vector.
        value : NoiseSpec or named tuple of NoiseSpec, optional
            The noise of a draw from a component. If left out, standard normal noise ``(..., D)``.

        Returns
        -------
        MixtureNoise
        """
        return MixtureNoise(NoiseSpec("uniform", 1), NoiseSpec("normal", size) if value is None else value)

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        # (..., K), from values (..., 1, D)
        of_components = self.components.log_prob(F.expand_dims(value, axis=-2))
        return log_sum_exp(F.broadcast_add(of_components, self.log_weights), axis=-1)

    def sample(self, noise: Optional[MixtureNoise] = None) -> Tensor:
        """Draw values, through which no gradient flows.

        Parameters
        ----------
        noise : MixtureNoise
            With any leading axes.

        Returns
        -------
        Tensor
            ``(..., D)``, with the leading axes of the noise.

        Raises
        ------
        TypeError
            If there is no noise, which alone tells the number of draws.
        """
        if noise is None:
            raise TypeError("Mixture needs its noise: it cannot tell how many draws are wanted")
        F = namespace(noise.component)
        number = pick(fold(noise.component), F.expand_dims(F.exp(self.log_weights), axis=0))
        draws = self.component(number).rsample(map_structure(fold, noise.value))
        return stop_gradient(unfold(draws, leaves(noise.value)[0]))


def pick(uniform: Tensor, probabilities: Tensor) -> Tensor:
    """Draw one of K categories by the inverse of the distribution function.

    Parameters
    ----------
    uniform : Tensor
        Noise in [0, 1), ``(..., R, 1)``.
    probabilities : Tensor
        ``(R, K)``, or ``(1, K)`` for all rows.

    Returns
    -------
    Tensor
        Indices from 0 to K - 1, ``(..., R)``: the first whose cumulative probability is above the noise.
    """
    F = namespace(uniform)
    # cumulative probabilities before each category; rounding may put that before the first above 0
    before = cumsum(probabilities, axis=1) - probabilities
    return F.maximum(F.sum(F.broadcast_greater_equal(uniform, before), axis=-1) - 1, 0)
