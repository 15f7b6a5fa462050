"""Products of categorical variables, one-hot."""

from __future__ import annotations

from typing import Optional

from ..backend import log_probs
from ..backend.operators import cumsum, log_softmax, namespace, stop_gradient, sum_last
from ..backend.regions.availability import available
from ..backend.types import Tensor
from ..noise import NoiseSpec
from .base import Distribution


class OneHotCategorical(Distribution):
    """Independent variables that each take one of C values, one-hot: blocks of C zeros and ones with a single 1.

    Parameters
    ----------
    logits : Tensor
        ``(..., V * C)``, a block for each variable, whose probabilities are the softmax of the block.
    categories : int
        C.
    """

    noise_kind = "uniform"

    def __init__(self, logits: Tensor, categories: int) -> None:
        self.logits = logits
        self.categories = categories

    @classmethod
    def noise(cls, size: int, categories: int = 1) -> NoiseSpec:
        return NoiseSpec(cls.noise_kind, size // categories)

    @property
    def log_probabilities(self) -> Tensor:
        """The logarithms of the probabilities, ``(..., V * C)``."""
        F = namespace(self.logits)
        return F.reshape_like(log_softmax(self._blocks(self.logits), axis=-1), self.logits)

    @property
    def mean(self) -> Tensor:
        """The probabilities, ``(..., V * C)``."""
        F = namespace(self.logits)
        return F.reshape_like(F.softmax(self._blocks(self.logits), axis=-1), self.logits)

    @property
    def mode(self) -> Tensor:
        """The most probable value of each variable, one-hot, ``(..., V * C)``; the first where several are."""
        F, blocks = namespace(self.logits), self._blocks(self.logits)
        largest = F.broadcast_equal(blocks, F.max(blocks, axis=-1, keepdims=True))
        return self._first(F.reshape_like(cumsum(largest, axis=1) > 0, self.logits))

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of a one-hot value, to which no gradient flows.

        Parameters
        ----------
        value : Tensor
            ``(..., V * C)``.

        Returns
        -------
        Tensor
            ``(...)``, in nats.
        """
        if available() and log_probs.fit(self.logits, value):
            return log_probs.categorical(self.logits, value, self.categories)
        return self._log_prob_at(stop_gradient(value))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the parts of the log mass, ``(..., V * C)``: of each block that of the 1, and 0 elsewhere."""
        return namespace(value).broadcast_mul(self.log_probabilities, stop_gradient(value))

    def _log_prob_at(self, value: Tensor) -> Tensor:
        """Compute what :meth:`log_prob` does, differentiable in the value."""
        F = namespace(value)
        # (..., V, C)
        terms = F.reshape(
            F.broadcast_mul(self.log_probabilities, value), shape=(-2, -1, self.categories, -4), reverse=True
        )
        # where variables are equally probable, the error of sum_last would not average out
        return F.sum(sum_last(terms), axis=-1)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw one-hot values by the inverse of the distribution function.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., V)``: one number for each variable.

        Returns
        -------
        Tensor
            ``(..., V * C)``.
        """
        F, noise = namespace(self.logits), self._noise_for(self.logits, noise, self.categories)
        cumulative = F.reshape_like(cumsum(self._blocks(self.mean), axis=1), self.logits)
        return self._first(F.broadcast_lesser(F.repeat(noise, repeats=self.categories, axis=-1), cumulative))

    def _blocks(self, x: Tensor) -> Tensor:
        """Return ``(..., V * C)`` as ``(rows, C)``, for any number of axes."""
        return namespace(x).reshape(x, shape=(-1, self.categories))

    def _first(self, reached: Tensor) -> Tensor:
        """Return the place of the first 1 in each block, which has zeros and then ones, as one-hot."""
        # without indices, as those above 256 are no bfloat16; the last place counts as 1, because the last cumulative
        # probability may be a rounding below 1, and below the noise
        F = namespace(reached)
        but_last = F.slice_axis(self._blocks(reached), axis=1, begin=0, end=self.categories - 1)
        column = F.slice_axis(but_last, axis=1, begin=0, end=1)
        from_here = F.concat(but_last, F.ones_like(column), dim=1)
        from_before = F.concat(F.zeros_like(column), but_last, dim=1)
        return stop_gradient(F.reshape_like(from_here - from_before, reached))
