"""The networks that compute the parameters of coupling and autoregressive flows."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.runtime import mx
from ..backend.types import Operators, Tensor
from ..networks import Activation, Dense, activation
from .base import near_zero


class Conditioner(GraphBlock):
    """Dense layers on values ``(..., in_units)`` and a context ``(..., C)``. The initial output is close to 0.

    The first layer multiplies the context once, however many samples of the values there are.

    Parameters
    ----------
    in_units : int
        Size of the values.
    hidden_sizes : Sequence[int]
        Widths of the hidden layers; may be empty.
    out_units : int
        Size of the output.
    act_type : str or callable
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int
        C, the number of context features; 0 for none.
    """

    def __init__(
        self, in_units: int, hidden_sizes: Sequence[int], out_units: int, act_type: Activation, context_size: int
    ) -> None:
        super().__init__()
        sizes = (in_units, *checks.layer_sizes("hidden_sizes", hidden_sizes), out_units)
        make_activation = activation(act_type)
        with self.name_scope():
            first, *others = self.layers(sizes)
            self.first = first
            self.of_context = Dense(sizes[1], context_size) if context_size else None
            self.rest = mx.gluon.nn.HybridSequential(prefix="")
            for layer in others:
                self.rest.add(make_activation(), layer)
        last = [others[-1]] if others else [first, self.of_context]
        for layer in filter(None, last):
            near_zero(layer)

    def layers(self, sizes: Sequence[int]) -> list[Dense]:
        """Make the dense layers.

        Parameters
        ----------
        sizes : Sequence[int]
            Widths of the input, the hidden layers and the output, in order.

        Returns
        -------
        list[Dense]
            A layer from each width to the next.
        """
        return [Dense(units, in_units) for in_units, units in zip(sizes, sizes[1:])]

    def hybrid_forward(self, F: Operators, values: Tensor, *context: Tensor) -> Tensor:
        """Apply the layers.

        Parameters
        ----------
        F : Operators
            ``mx.nd`` or ``mx.sym``.
        values : Tensor
            ``(..., in_units)``.
        *context : Tensor
            ``(..., C)``, broadcast over further leading axes of ``values``.

        Returns
        -------
        Tensor
            ``(..., out_units)``.
        """
        features = self.first(values)
        if self.of_context is not None:
            features = F.broadcast_add(features, self.of_context(*context))
        return self.rest(features)
