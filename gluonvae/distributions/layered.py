"""Layers of variables, each drawn given the one before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Callable, Optional

from ..backend.operators import namespace
from ..backend.types import Tensor
from .base import Distribution

Conditional = Callable[[Tensor], Distribution]
"""Makes the distribution of a layer given the layer before, ``(..., D_l)``."""


class Layered(Distribution):
    """The distribution of z = [z_1, ..., z_L], ``(..., D)``, in which each layer is drawn given the one before.

    The order is upwards, z_1 and then z_2 given z_1, or downwards, z_L and then z_{L-1} given z_L. The noise is that
    of all layers, concatenated in the order of z.

    Parameters
    ----------
    sizes : sequence of int
        D_1, ..., D_L, with sum D.
    first : Distribution
        The distribution of the layer that is drawn first; its noise has the size of its values.
    others : sequence of callable
        A :data:`Conditional` for each of the other layers, in the order in which they are drawn.
    downwards : bool
        Whether z_L is drawn first.
    """

    def __init__(
        self, sizes: Sequence[int], first: Distribution, others: Sequence[Conditional], downwards: bool
    ) -> None:
        self.sizes = sizes
        self.first = first
        self.others = others
        self.downwards = downwards
        # a slice with this step converts between the order of z and the order in which the layers are drawn
        self._step = -1 if downwards else 1

    def log_prob(self, value: Tensor) -> Tensor:
        return total(self.log_probs(value))

    def log_probs(self, value: Tensor) -> list[Tensor]:
        """Compute the log density of each layer given the one it depends on.

        Parameters
        ----------
        value : Tensor
            ``(..., D)``.

        Returns
        -------
        list of Tensor
            ``(...)`` each, in nats, of z_1 to z_L.
        """
        layers = self._split(value)[:: self._step]
        given = [self.first, *(other(before) for other, before in zip(self.others, layers))]
        return [layer.log_prob(drawn) for layer, drawn in zip(given, layers)][:: self._step]

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        return self.rsample_and_log_probs(noise)[0]

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        value, log_probs = self.rsample_and_log_probs(noise)
        return value, total(log_probs)

    def rsample_and_log_probs(self, noise: Optional[Tensor] = None) -> tuple[Tensor, list[Tensor]]:
        """Draw a value as :meth:`rsample` does, and compute the log density of each layer.

        Parameters
        ----------
        noise : Tensor, optional
            ``(..., D)``.

        Returns
        -------
        value : Tensor
            ``(..., D)``.
        log_probs : list of Tensor
            See :meth:`log_probs`.
        """
        parts: Sequence[Optional[Tensor]] = [None] * len(self.sizes) if noise is None else self._split(noise)
        of_first, *of_others = parts[:: self._step]
        drawn = [self.first.rsample_and_log_prob(of_first)]
        for other, of_other in zip(self.others, of_others):
            drawn.append(other(drawn[-1][0]).rsample_and_log_prob(of_other))
        layers, log_probs = zip(*drawn[:: self._step])
        return namespace(layers[0]).concat(*layers, dim=-1), list(log_probs)

    def _split(self, x: Tensor) -> list[Tensor]:
        """Return the layers of ``(..., D)``."""
        F, ends = namespace(x), accumulate(self.sizes)
        return [F.slice_axis(x, axis=-1, begin=end - size, end=end) for size, end in zip(self.sizes, ends)]


def total(log_probs: Sequence[Tensor]) -> Tensor:
    """Compute the sum of tensors whose leading axes broadcast.

    Parameters
    ----------
    log_probs : sequence of Tensor
        ``(...)`` each.

    Returns
    -------
    Tensor
        ``(...)``.
    """
    return reduce(namespace(log_probs[0]).broadcast_add, log_probs)
