"""What makes the parameters of a flow from the part of the vector that it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from ..networks import Activation, Dense, activation
from .base import near_zero


class Conditioner(mx.gluon.HybridBlock):
    """Dense layers over values ``(..., in_units)`` and a context ``(..., C)``; what comes out starts near 0.

    Of the context the first layer takes one product, however many samples there are.

    Parameters
    ----------
    in_units, out_units : width of what goes in and comes out.
    hidden_sizes : widths of the layers between; may be empty.
    act_type : see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : C; 0 for none.
    """

    def __init__(
        self,
        in_units: int,
        hidden_sizes: Sequence[int],
        out_units: int,
        act_type: Activation = "tanh",
        context_size: int = 0,
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
        """The layers that map ``sizes[0]`` values to ``sizes[1]``, and so on."""
        return [Dense(units, in_units) for in_units, units in zip(sizes, sizes[1:])]

    def hybrid_forward(self, F: Any, values: Tensor, *context: Tensor) -> Tensor:
        features = self.first(values)
        if self.of_context is not None:
            features = F.broadcast_add(features, self.of_context(*context))
        return self.rest(features)
