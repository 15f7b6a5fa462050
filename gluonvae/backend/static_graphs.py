"""A cure for wrong gradients of MXNet's static graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .structures import are_same

Flags = Sequence[tuple[str, Any]]
"""Options of a graph by name, as Gluon passes them."""


def mend(mx: Any) -> None:
    """Replace ``mx.nd.CachedOp``, of which Gluon makes the graph of a hybridised block.

    Under ``static_shape=True`` MXNet's graph remembers the array that its first backward pass writes the gradient
    of a parameter to. When a later pass asks for another array (the parameter is used a second time in what is
    differentiated, as by a second graph, a second call or a penalty on the parameter itself; the gradient array
    is a new one, as after ``grad_req`` was set; ``autograd.grad``), MXNet puts the remembered array in its place:
    that pass and later ones, also of other blocks and imperative ones, do not write the gradient that the user
    reads. What MXNet is told to be data, and not a parameter, is looked up at each pass. So all inputs are data
    here; everything between inputs and outputs stays static, and a training step takes up to 3 % longer
    (``benchmarks/static_graphs.py``). :class:`UsedAlone` spares that where the fault cannot show.

    Parameters
    ----------
    mx : module
        MXNet. Graphs that were made before keep the fault.
    """

    mxnets_own = mx.nd.CachedOp

    class CachedOp(mxnets_own):  # type: ignore[misc,valid-type]
        """MXNet's own, all of whose inputs are data."""

        __slots__ = ("_alone", "_gradients", "_made_of")

        def __init__(self, symbol: Any, flags: Flags = ()) -> None:
            super().__init__(symbol, _all_inputs_as_data(flags))
            self._made_of, self._alone = (symbol, flags), None
            self._gradients: Sequence[Any] = ()

        def alone(self, gradients: Sequence[Any]) -> Any:
            """Return the graph as MXNet makes it, for backward passes that write to these arrays."""
            if self._alone is None or not are_same(gradients, self._gradients):
                self._alone, self._gradients = mxnets_own(*self._made_of), gradients
            return self._alone

    mx.nd.CachedOp = CachedOp


class UsedAlone:
    """Context managers in which a block runs the graph that MXNet makes, which is faster.

    It is right only where each of its calls is differentiated at once, by itself, and every parameter is used in it
    and nowhere else.

    Parameters
    ----------
    block : HybridBlock
        The block.
    """

    def __init__(self, block: Any) -> None:
        self._block = block
        self._graph: Any = None
        self._alone: Any = None

    def __call__(self, gradients: Sequence[Any]) -> UsedAlone:
        """Return the context manager for a call whose backward pass writes to these arrays."""
        self._graph = self._block._cached_op
        if self._graph is not None:
            self._alone = self._graph.alone(gradients)
        return self

    def __enter__(self) -> None:
        if self._graph is not None:
            self._block.__dict__["_cached_op"] = self._alone

    def __exit__(self, *exception: object) -> None:
        # the block may have thrown its graph away
        if self._graph is not None and self._block._cached_op is self._alone:
            self._block.__dict__["_cached_op"] = self._graph


def _all_inputs_as_data(flags: Flags) -> Flags:
    """Return the flags with the indices of parameters added to those of data."""
    options = dict(flags)
    parameters = options.get("param_indices", [])
    if parameters:
        options.update(data_indices=sorted([*options.get("data_indices", []), *parameters]), param_indices=[])
    return list(options.items())
