"""A cure for wrong gradients of MXNet's static graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    here; everything between inputs and outputs stays static, and a training step takes about 1 % longer
    (``benchmarks/static_graphs.py``).

    Parameters
    ----------
    mx : module
        MXNet. Graphs that were made before keep the fault.
    """

    class CachedOp(mx.nd.CachedOp):
        """MXNet's own, all of whose inputs are data."""

        __slots__ = ()

        def __init__(self, symbol: Any, flags: Flags = ()) -> None:
            super().__init__(symbol, _all_inputs_as_data(flags))

    mx.nd.CachedOp = CachedOp


def _all_inputs_as_data(flags: Flags) -> Flags:
    """Return the flags with the indices of parameters added to those of data."""
    options = dict(flags)
    parameters = options.get("param_indices", [])
    if parameters:
        options.update(data_indices=sorted([*options.get("data_indices", []), *parameters]), param_indices=[])
    return list(options.items())
