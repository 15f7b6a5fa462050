"""Layers of variables, each drawn given the one before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Callable, Optional

from ..backend.operators import Tensor, namespace, stop_gradient
from .base import Distribution

Conditional = Callable[[Tensor], Distribution]
"""Makes the distribution of a layer of the layer before, ``(..., D_l)``."""


class Layered(Distribution):
    """The distribution of z = [z_1, ..., z_L], ``(..., D)``, whose layers are drawn in turn: upwards, z_1 and then
    z_2 given z_1, or downwards, z_L and then z_{L-1} given z_L. Its noise is that of each layer, side by side in
    the order of z.

    Parameters
    ----------
    sizes : D_1, ..., D_L, whose sum is D.
    first : the distribution of the layer that is drawn first; its noise is as large as its values.
    others : one for each layer after that, in the order in which they are drawn.
    downwards : whether the first is z_L.
    """

    def __init__(
        self, sizes: Sequence[int], first: Distribution, others: Sequence[Conditional], downwards: bool
    ) -> None:
        self.sizes = sizes
        self.first = first
        self.others = others
        self.downwards = downwards

    def log_prob(self, value: Tensor) -> Tensor:
        return total(self.log_probs(value))

    def log_probs(self, value: Tensor) -> list[Tensor]:
        """The log density of each layer given the one it depends on, z_1's first, ``(...)`` each, in nats."""
        layers = self._in_turn(self._split(value))
        given = [self.first, *(other(before) for other, before in zip(self.others, layers))]
        return self._in_turn([layer.log_prob(drawn) for layer, drawn in zip(given, layers)])

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        return self.rsample_and_log_probs(noise)[0]

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        value, log_probs = self.rsample_and_log_probs(noise)
        return value, total(log_probs)

    def rsample_and_log_probs(self, noise: Optional[Tensor] = None) -> tuple[Tensor, list[Tensor]]:
        """A draw as from :meth:`rsample`, and what :meth:`log_probs` gives of it."""
        of_first, *of_others = self._in_turn([None] * len(self.sizes) if noise is None else self._split(noise))
        drawn = [self.first.rsample_and_log_prob(of_first)]
        for other, of_other in zip(self.others, of_others):
            drawn.append(other(drawn[-1][0]).rsample_and_log_prob(of_other))
        layers, log_probs = zip(*self._in_turn(drawn))
        return namespace(layers[0]).concat(*layers, dim=-1), list(log_probs)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return stop_gradient(self.rsample(noise))

    def _split(self, x: Tensor) -> list[Tensor]:
        """``(..., D)`` as its layers."""
        F, layers, begin = namespace(x), [], 0
        for size in self.sizes:
            layers.append(F.slice_axis(x, axis=-1, begin=begin, end=begin + size))
            begin += size
        return layers

    def _in_turn(self, layers: list) -> list:
        """From the order of z to that in which the layers are drawn, or back."""
        return layers[::-1] if self.downwards else layers


def total(log_probs: Sequence[Tensor]) -> Tensor:
    """The sum of tensors whose leading axes broadcast."""
    return reduce(namespace(log_probs[0]).broadcast_add, log_probs)
