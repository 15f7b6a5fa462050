"""Bodies of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from ..backend.operators import Tensor
from ..backend.runtime import mx
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .dense import Dense


@ENCODERS.register("mlp")
@DECODERS.register("mlp")
class MLP(mx.gluon.nn.HybridSequential):
    """Dense layers, each with its activation, over the last axis of ``(..., in_units)``.

    Parameters
    ----------
    layer_sizes : width of each layer; none at all makes the identity.
    act_type : see :func:`activation`.
    in_units : width of the input; 0 leaves it to the first call, as in Gluon.
    prefix : what the names of its parameters begin with.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        act_type: Activation = "tanh",
        in_units: int = 0,
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(prefix=prefix)
        make_activation = activation(act_type)
        with self.name_scope():
            for units in layer_sizes:
                self.add(*self.layer(units, in_units, make_activation()))
                in_units = units
        self.out_units = in_units
        """Width of the output; 0 where there is no layer and ``in_units`` was not given."""

    def layer(self, units: int, in_units: int, act: Any) -> tuple[Any, ...]:
        """The blocks that make ``units`` features of ``in_units``."""
        return Dense(units, in_units), act


class GatedDense(mx.gluon.HybridBlock):
    """act(W x + b) ⊙ sigmoid(V x + c), over the last axis (van den Oord et al. 2016, equation 2)."""

    def __init__(self, units: int, in_units: int, act: Any) -> None:
        super().__init__()
        with self.name_scope():
            self.value = Dense(units, in_units)
            self.gate = Dense(units, in_units)
            # open at first: half open, layer upon layer makes small features, which are slow to learn
            self.gate.bias.init = mx.init.Constant(2.0)
            self.act = act

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.act(self.value(x)) * F.Activation(self.gate(x), act_type="sigmoid")


@ENCODERS.register("gatedMLP")
@DECODERS.register("gatedMLP")
class GatedMLP(MLP):
    """An :class:`MLP` each feature of which has a gate, see :class:`GatedDense`; takes what it takes."""

    def layer(self, units: int, in_units: int, act: Any) -> tuple[Any, ...]:
        return (GatedDense(units, in_units, act),)
