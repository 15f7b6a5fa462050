"""Products of categorical variables, one-hot."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import Tensor, is_symbol, namespace, stop_gradient, sum_last
from .base import Distribution


class OneHotCategorical(Distribution):
    """Independent variables that each take one of C values, as blocks of C zeros and ones, of which one is 1.

    Parameters
    ----------
    logits : ``(..., V * C)``, a block for each variable; the softmax of a block are its probabilities.
    categories : C.
    """

    def __init__(self, logits: Tensor, categories: int) -> None:
        self.logits = logits
        self.categories = categories

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of one-hot ``value``, summed over the last axis, in nats."""
        F = namespace(self.logits)
        log_probabilities = F.log_softmax(self._blocks(self.logits), axis=-1)
        return sum_last(F.broadcast_mul(F.reshape_like(log_probabilities, self.logits), stop_gradient(value)))

    @property
    def mean(self) -> Tensor:
        """The probabilities, ``(..., V * C)``."""
        F = namespace(self.logits)
        return F.reshape_like(F.softmax(self._blocks(self.logits), axis=-1), self.logits)

    @property
    def mode(self) -> Tensor:
        """The most probable value of each variable, one-hot; the first of those that are equally so."""
        F = namespace(self.logits)
        blocks = self._blocks(self.logits)
        largest = F.broadcast_equal(blocks, F.max(blocks, axis=-1, keepdims=True))
        return stop_gradient(self._first(F.reshape_like(F.cumsum(largest, axis=1) > 0, self.logits)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The quantile of ``noise``, uniform in [0, 1), ``(..., V)``: a number for each variable."""
        F = namespace(self.logits)
        if noise is None:
            noise = _noise.uniform_for(self.logits, None, None if is_symbol(self.logits) else self._noise_shape())
        up_to = F.reshape_like(F.cumsum(self._blocks(self.mean), axis=1), self.logits)
        return stop_gradient(self._first(F.broadcast_lesser(F.repeat(noise, repeats=self.categories, axis=-1), up_to)))

    def _noise_shape(self) -> tuple[int, ...]:
        return (*self.logits.shape[:-1], self.logits.shape[-1] // self.categories)

    def _blocks(self, x: Tensor) -> Tensor:
        """``(..., V * C)`` as ``(rows, C)``, whatever the number of axes."""
        return namespace(x).reshape(x, shape=(-1, self.categories))

    def _first(self, reached: Tensor) -> Tensor:
        """One-hot of the first 1 in each block of zeros and then ones; of the last of a block without."""
        F = namespace(reached)
        but_last = F.slice_axis(self._blocks(reached), axis=1, begin=0, end=self.categories - 1)
        column = F.slice_axis(but_last, axis=1, begin=0, end=1)
        from_here = F.concat(but_last, F.ones_like(column), dim=1)
        from_before = F.concat(F.zeros_like(column), but_last, dim=1)
        return F.reshape_like(from_here - from_before, reached)
