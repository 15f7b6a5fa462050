"""Flows that have a few parameter vectors: planar, radial and Householder flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Union

from ..backend.graphs import GraphBlock
from ..backend.operators import is_symbol, namespace
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..networks import Dense
from .base import NEAR_ZERO, Flow, near_zero

TINY = 1e-12
"""Lower bound of a squared norm that is divided by."""


class Learned(GraphBlock):
    """A learned vector, returned whatever the input: stands in for a dense layer where there is no context.

    Parameters
    ----------
    size : int
        Length of the vector.
    scale : float
        Standard deviation of its initial values.
    """

    def __init__(self, size: int, scale: float) -> None:
        super().__init__()
        with self.name_scope():
            self.values = self.params.get("values", shape=(size,), init=mx.init.Normal(scale))

    def forward(self, like: Tensor) -> Tensor:
        """Return the vector.

        Parameters
        ----------
        like : Tensor
            A Symbol, or an NDArray on the device on which the vector is wanted.

        Returns
        -------
        Tensor
            ``(size,)``.
        """
        return self.values.var() if is_symbol(like) else self.values.data(like.context)


class ParametricFlow(Flow):
    """Base class of flows with a few parameter vectors.

    Each vector is a linear function of the context, or learned directly in an unconditional flow.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    context_size : int
        C, the number of context features; 0 for an unconditional flow.
    sizes : Mapping[str, int]
        Length of each parameter vector, by name.
    small : Iterable[str], default ()
        Names of the vectors that are initialised close to 0.
    """

    def __init__(
        self, latent_variable_size: int, context_size: int, sizes: Mapping[str, int], small: Iterable[str] = ()
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        self._names = tuple(sizes)
        with self.name_scope():
            for name, size in sizes.items():
                setattr(self, name, self._source(size, name in small))

    def _source(self, size: int, small: bool) -> Union[Dense, Learned]:
        """Return the block that computes one parameter vector."""
        if not self.context_size:
            return Learned(size, NEAR_ZERO if small else size**-0.5)
        layer = Dense(size, self.context_size)
        if small:
            return near_zero(layer)
        # a random direction to begin with, which the context then changes
        layer.bias.init = mx.init.Normal(size**-0.5)
        return layer

    def parameters(self, z: Tensor, *context: Tensor) -> tuple[Tensor, ...]:
        """Compute the parameter vectors.

        Parameters
        ----------
        z : Tensor
            The input of the flow, ``(..., D)``; only its device is used.
        *context : Tensor
            Features ``(..., C)`` of a conditional flow.

        Returns
        -------
        tuple[Tensor, ...]
            One tensor for each entry of ``sizes``: ``(..., size)`` with a context, ``(size,)`` without.
        """
        return tuple(getattr(self, name)(*(context or (z,))) for name in self._names)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Compute the scalar product over the last axis, which is kept.

    Parameters
    ----------
    x, y : Tensor
        ``(..., D)``, broadcast against each other.

    Returns
    -------
    Tensor
        ``(..., 1)``.
    """
    F = namespace(x)
    return F.sum(F.broadcast_mul(x, y), axis=-1, keepdims=True)
