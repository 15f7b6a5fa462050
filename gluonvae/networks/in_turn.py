"""Blocks applied one after another, layers among them by one operator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable, Optional, Union

from ..backend import compiled
from ..backend.graphs import GraphBlock
from ..backend.operators import is_symbol
from ..backend.regions.availability import available
from ..backend.regions.kinds import ACTIVATIONS
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor
from .convolution_layers import Conv2D, Conv2DTranspose
from .dense import Dense

nn = mx.gluon.nn

_ACTIVATIONS: dict[type, Callable[[Any], Optional[str]]] = {
    nn.Activation: lambda block: block._act_type,
    nn.LeakyReLU: lambda block: "leakyrelu" if block._alpha == 0.01 else None,
    nn.ELU: lambda block: "elu" if block._alpha == 1 else None,
    nn.SELU: lambda block: "selu",
}
"""Of a block of Gluon's, which activation of a compiled layer it is."""

_OPERATORS: dict[type, Callable[[Tensor, Any], Tensor]] = {
    Dense: compiled.dense,
    Conv2D: compiled.convolutions,
    Conv2DTranspose: compiled.convolutions,
}
"""What applies layers of a class one after another."""


class InTurn(GraphBlock, mx.gluon.nn.HybridSequential):
    """Blocks applied one after another, see :func:`apply_in_turn`."""

    def hybrid_forward(self, F: Operators, x: Tensor) -> Tensor:
        return apply_in_turn(x, *self._children.values())


def apply_in_turn(x: Tensor, *blocks: Block) -> Tensor:
    """Apply blocks one after another.

    Dense layers, or convolutions, and the activations after them, are one operator where there is a compiled one.

    Parameters
    ----------
    x : Tensor
        ``(..., in_units)``, or what the first block takes.
    *blocks : Block
        Each takes a tensor and returns one.

    Returns
    -------
    Tensor
        What the last of them returns.
    """
    for step in _grouped(_parts(blocks)) if available() else blocks:
        if not isinstance(step, list):
            x = step(x)
        elif (layers := _layers(x, step)) is not None:
            x = _OPERATORS[type(step[0])](x, layers)
        else:
            for block in step:
                x = block(x)
    return x


def heads_of(x: Tensor, body: Block, heads: Sequence[Block]) -> list[Tensor]:
    """Apply each of several heads to what a body returns.

    Parameters
    ----------
    x : Tensor
        ``(..., in_units)``.
    body, *heads : Block
        Each takes a tensor and returns one.

    Returns
    -------
    list of Tensor
        What each head returns.
    """
    if len(heads) == 1:
        return [apply_in_turn(x, body, *heads)]
    features = body(x)
    return [head(features) for head in heads]


def _parts(blocks: Iterable[Any]) -> Iterator[Any]:
    """Blocks, and in the place of one that applies its children in turn these."""
    for block in blocks:
        if getattr(type(block), "hybrid_forward", None) is InTurn.hybrid_forward and not _has_hooks(block):
            yield from _parts(block._children.values())
        else:
            yield block


def _grouped(blocks: Iterable[Block]) -> Iterator[Union[Block, list[Block]]]:
    """Put layers of a kind that follow each other, with their activations, into lists."""
    group: list[Block] = []
    for block in blocks:
        if group and (_follows(block, group) or (_is_layer(group[-1]) and _activation(block))):
            group.append(block)
            continue
        if group:
            yield group
        group = [block] if _is_layer(block) else []
        if not group:
            yield block
    if group:
        yield group


def _is_layer(block: Any) -> bool:
    return type(block) in _OPERATORS and block.is_compiled and not _has_hooks(block)


def _follows(block: Block, group: Sequence[Block]) -> bool:
    """Whether a layer can be applied together with those of a group."""
    return _is_layer(block) and _OPERATORS[type(block)] is _OPERATORS[type(group[0])]


def _activation(block: Any) -> Optional[str]:
    name = _ACTIVATIONS[type(block)](block) if type(block) in _ACTIVATIONS and not _has_hooks(block) else None
    return name if name in ACTIVATIONS else None


def _has_hooks(block: Any) -> bool:
    """Whether something wants to see what goes into a block or comes out of it."""
    return bool(block._forward_hooks or block._forward_pre_hooks)


def _layers(x: Tensor, group: Sequence[Any]) -> Optional[list[Any]]:
    """The layers of a group; None before Gluon has inferred their sizes."""
    layers: list[Any] = []
    for block in group:
        if type(block) not in _OPERATORS:
            layers[-1] = layers[-1]._replace(activation=_activation(block) or "")
            continue
        parameters = [block.weight, block.bias]
        if is_symbol(x):
            tensors = [parameter and parameter.var() for parameter in parameters]
        elif any(parameter and parameter._data is None for parameter in parameters):
            return None
        else:
            tensors = [parameter and parameter.data(x.context) for parameter in parameters]
        layers.append(block.compiled(*tensors))
    return layers
