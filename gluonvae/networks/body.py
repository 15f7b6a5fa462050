"""What every body answers: a HybridBlock that maps rows ``(N, in)`` to features ``(N, F)``, or to maps
``(N, F, H, W)``. A part of a model puts its own last layer on top."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from ..registry import Registry

ENCODERS = Registry("infer_body")
"""Bodies of inference networks, by name."""
DECODERS = Registry("generator_body")
"""Bodies of generators, by name."""

Layers = Union[Sequence[int], Any]
"""Widths of dense layers, or a body."""


def make_body(
    kinds: Registry, name: str, options: Optional[Mapping[str, Any]], layer_sizes: Optional[Sequence[int]], **given: Any
) -> Any:
    """The body called ``name``, given what it takes of ``given``; its own ``layer_sizes`` where they are left out.

    Raises ValueError for a name or option that is not known, and layer sizes for a body that has none to choose.
    """
    takes = inspect.signature(kinds[checks.known_name(kinds.kind, name, kinds)]).parameters
    arguments = {key: value for key, value in given.items() if key in takes}
    if layer_sizes is not None:
        if "layer_sizes" not in takes:
            raise ValueError(f"the {kinds.kind} {name!r} takes no layer sizes, got {list(layer_sizes)}")
        arguments["layer_sizes"] = layer_sizes
    return kinds.make(name, options, **arguments)


class Traced(NamedTuple):
    """What is known of a body before it is called."""

    features: tuple[int, ...]
    """What it returns for a row: ``(F,)`` or ``(F, H, W)``."""
    width: int
    """The most numbers of anything that it computes for a row."""


def is_body(layers: Layers) -> bool:
    """Whether this is a block. Raises TypeError for one that cannot be part of a graph."""
    if isinstance(layers, mx.gluon.Block) and not isinstance(layers, mx.gluon.HybridBlock):
        raise TypeError(
            f"a body must be a HybridBlock, got {type(layers).__name__}, which is a Block: "
            "derive it from HybridBlock, or use HybridSequential, HybridLambda and the like"
        )
    return isinstance(layers, mx.gluon.HybridBlock)


def traced(body: Any, in_units: int) -> Traced:
    """What ``body`` makes of rows ``(N, in_units)``, from its graph. Raises ValueError, with the shapes, where the
    two do not fit, or what it returns is no features."""
    name = f"the body {type(body).__name__}"
    wanted = getattr(body, "in_units", in_units)
    if wanted != in_units:
        raise ValueError(f"{name} is for rows of {wanted} values, (N, {wanted}), and is given (N, {in_units})")
    try:
        output = body(mx.sym.var("data"))
    except (AttributeError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{name} cannot be hybridised: {error}") from error
    if not isinstance(output, mx.sym.Symbol) or len(output.list_outputs()) != 1:
        raise ValueError(f"{name} must return one tensor of features, (N, F) or (N, F, H, W), got {_kind(output)}")
    internals = output.get_internals()
    try:
        # unlike infer_shape it does not print what it is about to raise
        _, shapes, _ = internals.infer_shape_partial(data=(1, in_units), **_known_shapes(body, output))
    except mx.base.MXNetError as error:
        raise ValueError(
            f"{name} does not fit its input, rows (N, {in_units}): {_reason(error)}. "
            "One that wants pictures (N, C, H, W) is wrapped, gluonvae.networks.OnImages(block, shape)"
        ) from error
    rows, *features = shapes[-1] or (0,)
    if rows != 1 or len(features) not in (1, 3):
        raise ValueError(
            f"{name} must return features (N, F) or (N, F, H, W) for its input (N, {in_units}), "
            f"got {_of_batch(shapes[-1])}"
        )
    inputs = {*output.list_arguments(), *output.list_auxiliary_states()}
    computed = [shape for made, shape in zip(internals.list_outputs(), shapes) if made not in inputs]
    return Traced(tuple(features), max(map(math.prod, computed), default=in_units))


def _known_shapes(body: Any, output: Any) -> dict[str, tuple[int, ...]]:
    """Of the parameters that ``output`` is made of: their variables may be older than their shapes."""
    parameters = body.collect_params()
    names = (name for name in output.list_arguments() if name in parameters)
    return {name: parameters[name].shape for name in names if parameters[name].shape and all(parameters[name].shape)}


def _reason(error: Exception) -> str:
    """What MXNet says, without when and where in its source."""
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+: |MXNetError: ", "", str(error).split("\n")[0])


class Fitted(mx.gluon.HybridBlock):
    """A body in its place: rows in, what it returns out. Whatever goes in is looked at before."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        self._traced: Optional[tuple[int, Traced]] = None

    def fit(self, in_units: int) -> Traced:
        """What it makes of rows ``(N, in_units)``. Raises as :func:`traced` does."""
        if self._traced is None or self._traced[0] != in_units:
            self._traced = in_units, traced(self.body, in_units)
        return self._traced[1]

    def hybrid_forward(self, F: Any, rows: Tensor) -> Tensor:
        return self.body(rows)


class Flattened(Fitted):
    """A body in its place, whose maps are flattened: ``(N, in)`` to ``(N, F)``."""

    def hybrid_forward(self, F: Any, rows: Tensor) -> Tensor:
        return F.flatten(self.body(rows))


def _kind(output: Any) -> str:
    return f"{len(output)} of them" if isinstance(output, (list, tuple, mx.sym.Symbol)) else type(output).__name__


def _of_batch(shape: Optional[Sequence[int]]) -> str:
    if not shape:
        return "a shape that is not known"
    first = "N" if shape[0] == 1 else f"{shape[0]} N"
    return f"({', '.join([first, *map(str, shape[1:])])})"
