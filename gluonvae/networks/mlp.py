"""Bodies of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..backend import compiled
from ..backend.graphs import GraphBlock
from ..backend.regions.availability import available
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .dense import Dense
from .in_turn import InTurn, apply_in_turn


@ENCODERS.register("mlp")
@DECODERS.register("mlp")
class MLP(InTurn):
    """Dense layers, each followed by an activation: maps ``(..., in_units)`` to ``(..., out_units)``.

    Parameters
    ----------
    layer_sizes : sequence of int
        Width of each layer; an empty one makes the identity.
    act_type : str or callable, default "tanh"
        Activation of each layer, see :func:`activation`.
    in_units : int, default 0
        Size of the input; 0 infers it from the first call.
    prefix : str, optional
        Prefix of the names of its parameters.

    Raises
    ------
    ValueError
        If the activation is unknown.

    Attributes
    ----------
    out_units : int
        Size of the output; 0 if there is no layer and ``in_units`` was not given.
    """

    def __init__(
        self, layer_sizes: Sequence[int], act_type: Activation = "tanh", in_units: int = 0, prefix: Optional[str] = None
    ) -> None:
        super().__init__(prefix=prefix)
        make_activation = activation(act_type)
        with self.name_scope():
            for units in layer_sizes:
                self.add(*self.layer(units, in_units, make_activation()))
                in_units = units
        self.out_units = in_units

    def layer(self, units: int, in_units: int, act: Block) -> tuple[Block, ...]:
        """Create the blocks of one layer.

        Parameters
        ----------
        units : int
            Size of the output.
        in_units : int
            Size of the input; 0 infers it from the first call.
        act : Block
            The activation.

        Returns
        -------
        tuple of Block
            The blocks in the order in which they are applied.
        """
        return Dense(units, in_units), act


class GatedDense(GraphBlock):
    """A dense layer with gates: act(W x + b) ⊙ sigmoid(V x + c) (van den Oord et al. 2016, equation 2).

    Maps ``(..., in_units)`` to ``(..., units)``.

    Parameters
    ----------
    units : int
        Size of the output.
    in_units : int
        Size of the input; 0 infers it from the first call.
    act : Block
        The activation.
    """

    def __init__(self, units: int, in_units: int, act: Block) -> None:
        super().__init__()
        with self.name_scope():
            self.value = Dense(units, in_units)
            self.gate = Dense(units, in_units)
            # gates start open: half open, they shrink the features from layer to layer, which slows learning
            self.gate.bias.init = mx.init.Constant(2.0)
            self.act = act
            self.sigmoid = mx.gluon.nn.Activation("sigmoid")

    def hybrid_forward(self, F: Operators, x: Tensor) -> Tensor:
        value, gate = apply_in_turn(x, self.value, self.act), apply_in_turn(x, self.gate, self.sigmoid)
        return compiled.product(value, gate) if available() else value * gate


@ENCODERS.register("gated_mlp")
@DECODERS.register("gated_mlp")
class GatedMLP(MLP):
    """Dense layers with gates, see :class:`GatedDense`: maps ``(..., in_units)`` to ``(..., out_units)``.

    Parameters
    ----------
    layer_sizes : sequence of int
        Width of each layer; an empty one makes the identity.
    act_type : str or callable, default "tanh"
        Activation of each layer, see :func:`activation`.
    in_units : int, default 0
        Size of the input; 0 infers it from the first call.
    prefix : str, optional
        Prefix of the names of its parameters.

    Raises
    ------
    ValueError
        If the activation is unknown.
    """

    def layer(self, units: int, in_units: int, act: Block) -> tuple[Block, ...]:
        return (GatedDense(units, in_units, act),)
