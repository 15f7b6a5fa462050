"""The interface between a body and the part of a model that contains it.

A body is a HybridBlock that maps rows ``(N, X)`` to features ``(N, F)`` or feature maps ``(N, F, H, W)``. If its
class attribute ``takes_label`` is true, it is called as ``body(rows, label)`` where there is a label ``(N, Y)``.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from .. import checks
from ..backend.control_flow import has_code_of_its_own, why_frozen
from ..backend.graphs import GraphBlock
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor
from ..registry import Registry

if TYPE_CHECKING:
    from typing_extensions import TypeIs

ENCODERS = Registry("infer_body")
"""Bodies of inference networks by name."""
DECODERS = Registry("generator_body")
"""Bodies of generators by name."""

Layers = Union[Sequence[int], Block]
"""Widths of dense layers, or a body."""


def make_body(
    kinds: Registry, name: str, options: Optional[Mapping[str, Any]], layer_sizes: Optional[Sequence[int]], **given: Any
) -> Block:
    """Create a body by name.

    Parameters
    ----------
    kinds : Registry
        :data:`ENCODERS` or :data:`DECODERS`.
    name : str
        A name in it.
    options : mapping, optional
        Arguments of the body's class that the user chose, by name.
    layer_sizes : sequence of int, optional
        Sizes of its layers; the default of the class if left out.
    **given
        Further arguments, of which the class is passed those that it takes.

    Returns
    -------
    Block
        The body, not initialised.

    Raises
    ------
    ValueError
        If the name or an option is unknown, or there are layer sizes for a body that takes none.
    """
    takes = inspect.signature(kinds[checks.known_name(kinds.kind, name, kinds)]).parameters
    arguments = {key: value for key, value in given.items() if key in takes}
    if layer_sizes is not None:
        if "layer_sizes" not in takes:
            raise ValueError(f"the {kinds.kind} {name!r} takes no layer sizes, got {list(layer_sizes)}")
        arguments["layer_sizes"] = layer_sizes
    return kinds.make(name, options, **arguments)


class Traced(NamedTuple):
    """What the graph of a body tells of its output and its memory.

    Attributes
    ----------
    features : tuple of int
        Shape of the output for one row, ``(F,)`` or ``(F, H, W)``.
    floats_per_row : int
        Number of values in the largest tensor that the body computes for a row.
    """

    features: tuple[int, ...]
    floats_per_row: int


def is_body(layers: Layers) -> TypeIs[Block]:
    """Tell a body from a list of layer widths.

    Parameters
    ----------
    layers : sequence of int or Block
        Widths of dense layers, or a body.

    Returns
    -------
    bool
        True for a body.

    Raises
    ------
    TypeError
        If it is a Block but not a HybridBlock, which cannot be part of a graph.
    """
    if isinstance(layers, mx.gluon.Block) and not isinstance(layers, mx.gluon.HybridBlock):
        raise TypeError(
            f"a body must be a HybridBlock, got {type(layers).__name__}, which is a Block: "
            "derive it from HybridBlock, or use HybridSequential, HybridLambda and the like"
        )
    return isinstance(layers, mx.gluon.HybridBlock)


def traced(body: Block, in_units: int, label_size: int = 0) -> Traced:
    """Infer the shapes of a body's output and intermediate results from its graph.

    Parameters
    ----------
    body : Block
        It need not be initialised.
    in_units : int
        X: rows are ``(N, X)``.
    label_size : int, default 0
        Y: labels are ``(N, Y)``. A body that does not take a label is traced for rows ``(N, X + Y)``.

    Returns
    -------
    Traced
        The shapes.

    Raises
    ------
    ValueError
        If the body cannot be traced, does not fit its input, or does not return one tensor ``(N, F)`` or
        ``(N, F, H, W)``.
    """
    name = f"the body {type(body).__name__}"
    inputs, given = {"data": (1, in_units + label_size)}, f"(N, {in_units + label_size})"
    if label_size and getattr(body, "takes_label", False):
        inputs = {"data": (1, in_units), "label": (1, label_size)}
        given = f"(N, {in_units}) and a label (N, {label_size})"
    elif label_size:
        given += f", {in_units} values and a label of {label_size}"
    width = inputs["data"][1]
    if (wanted := getattr(body, "in_units", width)) != width:
        raise ValueError(f"{name} is for rows of {wanted} values, (N, {wanted}), and is given {given}")
    try:
        output = body(*map(mx.sym.var, inputs))
    except mx.base.NotImplementedForSymbol as error:
        raise ValueError(
            f"{name} cannot be hybridised for rows {given}, as a graph has no values to ask for: use "
            f"operators instead, such as F.where ({error})"
        ) from error
    except (AttributeError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{name} cannot be hybridised for rows {given}: {error}") from error
    if not isinstance(output, mx.sym.Symbol) or len(output.list_outputs()) != 1:
        raise ValueError(f"{name} must return one tensor of features, (N, F) or (N, F, H, W), got {_kind(output)}")
    if has_code_of_its_own(body) and (reason := why_frozen(body, lambda: body(*map(mx.sym.var, inputs)))):
        raise ValueError(f"{name} cannot be hybridised for rows {given}: {reason}")
    internals = output.get_internals()
    try:
        # unlike infer_shape it does not print the error that it raises
        _, shapes, _ = internals.infer_shape_partial(**_known_shapes(body, output, inputs))
    except mx.base.MXNetError as error:
        raise ValueError(
            f"{name} does not fit its input, rows {given}: {_reason(error)}. "
            "A block for pictures (N, C, H, W) has to be wrapped: gluonvae.networks.OnImages(block, shape)"
        ) from error
    rows, *features = shapes[-1] or (0,)
    if rows != 1 or len(features) not in (1, 3):
        raise ValueError(
            f"{name} must return features (N, F) or (N, F, H, W) for its input {given}, got {_of_batch(shapes[-1])}"
        )
    variables = {*output.list_arguments(), *output.list_auxiliary_states()}
    computed = [shape for made, shape in zip(internals.list_outputs(), shapes) if made not in variables]
    return Traced(tuple(features), max(map(math.prod, computed), default=width))


def _known_shapes(body: Block, output: Any, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of a graph's inputs and parameters that are known.

    A parameter's Symbol may have been created before its shape was known.
    """
    shapes = {**{name: parameter.shape for name, parameter in body.collect_params().items()}, **inputs}
    return {name: shapes[name] for name in output.list_arguments() if shapes.get(name) and all(shapes[name])}


def _reason(error: Exception) -> str:
    """MXNet's message without its time and place in the source."""
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+: |MXNetError: ", "", str(error).split("\n")[0])


def _kind(output: Any) -> str:
    return f"{len(output)} of them" if isinstance(output, (list, tuple, mx.sym.Symbol)) else type(output).__name__


def _of_batch(shape: Optional[Sequence[int]]) -> str:
    if not shape:
        return "a shape that is not known"
    first = "N" if shape[0] == 1 else f"{shape[0]} N"
    return f"({', '.join([first, *map(str, shape[1:])])})"


class Fitted(GraphBlock):
    """Wraps a body, checks the size of its input, and passes it the label.

    It is called with rows ``(N, X)`` and, if there is one, a label ``(N, Y)``. A body that takes a label gets both;
    any other gets rows ``(N, X + Y)``. Returns what the body returns.

    Parameters
    ----------
    body : Block
        See :mod:`gluonvae.networks.body`.
    """

    def __init__(self, body: Block) -> None:
        super().__init__()
        self._traced: dict[tuple[int, int], Traced] = {}
        self.body = body

    def fit(self, in_units: int, label_size: int = 0) -> Traced:
        """Check that the body fits its input, and infer the shape of its output.

        Parameters
        ----------
        in_units : int
            X: rows are ``(N, X)``.
        label_size : int, default 0
            Y: labels are ``(N, Y)``.

        Returns
        -------
        Traced
            See :func:`traced`; the last result is cached.

        Raises
        ------
        ValueError
            As :func:`traced` does.
        """
        sizes = in_units, label_size
        if sizes not in self._traced:
            # only the last: parameters may have got their shapes since another was traced
            of_body = traced(self.body, *sizes)
            self._traced.clear()
            self._traced[sizes] = of_body
        return self._traced[sizes]

    def _clear_cached_op(self) -> None:
        super()._clear_cached_op()
        # the body may be another
        self._traced.clear()

    def hybrid_forward(self, F: Operators, rows: Tensor, *label: Tensor) -> Tensor:
        if label and not getattr(self.body, "takes_label", False):
            rows, label = F.concat(rows, *label, dim=-1), ()
        return self.body(rows, *label)


class Flattened(Fitted):
    """A :class:`Fitted` body whose output is flattened to features ``(N, F)``.

    Parameters
    ----------
    body : Block
        See :mod:`gluonvae.networks.body`.
    """

    def hybrid_forward(self, F: Operators, rows: Tensor, *label: Tensor) -> Tensor:
        return F.flatten(super().hybrid_forward(F, rows, *label))
