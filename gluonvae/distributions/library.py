"""Counts whose expected total is the one that is observed."""

from __future__ import annotations

from typing import Callable, Optional

from ..backend.operators import namespace, stop_gradient
from ..backend.types import Tensor
from .base import Distribution


class ObservedLibrary(Distribution):
    """Counts x given their library size l = Σ x, the total of all X, as in p(x | z, l) of scVI (Lopez et al. 2018).

    ``log_prob(value)`` takes l from the value, and so is no mass function over all x. Without a value, ``mean``,
    ``mode`` and ``sample`` have the typical l; those of ``given(value)`` have that of the value.

    Parameters
    ----------
    counts : callable
        Returns the distribution of counts with given l, ``(..., 1)``.
    typical : Tensor
        The typical l, ``(..., 1)``.
    """

    noise_kind = "uniform"

    def __init__(self, counts: Callable[[Tensor], Distribution], typical: Tensor) -> None:
        self._counts = counts
        self.typical = typical

    def given(self, value: Tensor) -> Distribution:
        """Return the distribution of counts with the library size of a value, ``(..., X)``."""
        F = namespace(value)
        library = F.sum(stop_gradient(value), axis=-1, keepdims=True)
        # l has a logarithm also where there is no count at all
        return self._counts(F.broadcast_maximum(library, 1e-9 * self.typical))

    def component_log_prob(self, value: Tensor) -> Tensor:
        return self.given(value).component_log_prob(value)

    @property
    def mean(self) -> Tensor:
        return self._counts(self.typical).mean

    @property
    def mode(self) -> Tensor:
        return self._counts(self.typical).mode

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return self._counts(self.typical).sample(noise)
