"""Blocks whose graphs are those of their attributes as they are, and of nothing that only the first call saw.

A hybridised block is traced at its first call, and its graph has the values that Python's attributes had then. Gluon
clears the graph of a block whose child is replaced, but not those of the blocks that contain it, and no graph where
another attribute is set.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, ClassVar, Optional
from weakref import WeakSet

from . import pickling  # noqa: F401  what MXNet cannot pickle
from .control_flow import has_code_of_its_own, why_frozen
from .recipes import record
from .regions.availability import available, mxnets_own
from .regions.direct import DirectCall, direct_call, options_of
from .regions.fusion import fused
from .regions.load import heed_others
from .runtime import mx
from .structures import leaves
from .types import Block

_log = logging.getLogger(__name__)

_regroup = mx.gluon.block._regroup

GLUONS_OWN = frozenset(vars(mx.gluon.HybridBlock()))
"""The attributes that every HybridBlock has, which Gluon keeps itself."""

NOT_COPIED = {"_in_graphs_of", "_seen", "_forgotten", "_caller", "_direct"}
"""What of a block is about its graphs and the calls under way, which a copy does not have."""

MANY_TRACES = 10
"""After so many graphs that were thrown away because of attributes a warning says so: tracing is slow."""


class GraphBlock(mx.gluon.HybridBlock):
    """A HybridBlock whose attributes take effect when they are set, or are refused, also once it is hybridised.

    Where an attribute is set, the graphs of this block and of those that contain it are thrown away, and traced anew
    at their next call: those of outermost blocks that are a GraphBlock themselves, such as a bound or a model. These
    look at each call whether the attributes of blocks of other kinds inside, such as a user's body, are still the same.
    Weights, which are parameters of the graph, and tensors, which no graph contains, change nothing.

    A block whose Python code would be frozen, such as a branch on ``autograd.is_training()``, is refused when its
    graph is traced.
    """

    _cached_graph: Any
    _seen: Optional[_Seen] = None
    _direct: Optional[DirectCall] = None
    """What calls the graph, if that is one program."""
    _first_alone = False
    """Whether nobody will differentiate other outputs than the first."""
    _of_losses = True
    """Whether somebody may differentiate the first output by itself."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Attributes that cannot change once they are known, as others follow from them. 0 and None stand for unknown."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        record(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        descriptor = getattr(type(self), name, None)
        if name not in GLUONS_OWN:
            self._check_fixed(name, value, descriptor)
        super().__setattr__(name, value)
        if not (name in GLUONS_OWN or hasattr(descriptor, "__set__") or _has_tensors(value)):
            self._forget_graphs(name)

    def _check_fixed(self, name: str, value: Any, descriptor: Any) -> None:
        kind: type = type(self)
        known = self.__dict__.get(name)
        changes = name in fixed_attributes(kind) and known not in (None, 0) and known != value
        if changes or (isinstance(descriptor, property) and descriptor.fset is None):
            raise AttributeError(
                f"{name} of {kind.__name__} cannot be changed: make a new {kind.__name__} with another {name}"
            )

    def register_child(self, block: Block, name: Any = None) -> None:
        super().register_child(block, name)
        self._forget_graphs(name)

    def _forget_graphs(self, name: Any) -> None:
        """Clear the graphs that contain this block, as it changes: its attribute ``name`` or a child."""
        for outermost in self.__dict__.get("_in_graphs_of", ()):
            if outermost._cached_op is None:
                continue
            outermost._clear_cached_op()
            outermost.__dict__["_forgotten"] = times = outermost.__dict__.get("_forgotten", 0) + 1
            if times == MANY_TRACES:
                _log.warning(
                    "the graph of %s was thrown away %d times, at last because the attribute %s of %s was set: it is "
                    "traced anew each time, which is slow",
                    *(type(outermost).__name__, times, name, type(self).__name__),
                )
        if "_cached_op" in self.__dict__:
            self._clear_cached_op()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: everything but graphs, which are traced anew at the next call."""
        state = {name: value for name, value in vars(self).items() if name not in NOT_COPIED}
        return {**state, "_cached_graph": (), "_cached_op": None, "_cached_op_args": []}

    def _get_graph(self, *args: object) -> Any:
        if not self._cached_graph:
            try:
                inputs, symbol = super()._get_graph(*args)
            except mx.base.NotImplementedForSymbol as error:
                raise ValueError(
                    f"{type(self).__name__} cannot be hybridised, as a graph has no values to ask for: use operators "
                    f"instead, such as F.where ({error}). Or leave it imperative: hybridize(False)"
                ) from error
            self._cached_graph = inputs, fused(symbol) if available() else symbol
        return self._cached_graph

    def is_one_program(self, inputs: int) -> bool:
        """Return whether the graph of so many inputs is one compiled program.

        Of a row of samples that has no gradient nothing is in memory then but what is given and what is returned.
        """
        return available() and options_of(self._get_graph(*[mx.nd.zeros(1)] * inputs)[1]) is not None

    def _build_cache(self, *args: object) -> None:
        super()._build_cache(*args)
        self.__dict__["_direct"] = direct_call(self._cached_graph[1], self._of_losses) if available() else None
        if has_code_of_its_own(self):
            self._check_control_flow(*args)
        others = []
        for block in descendants(self):
            if isinstance(block, GraphBlock):
                block.__dict__.setdefault("_in_graphs_of", WeakSet()).add(self)
            else:
                others.append(block)
        self.__dict__["_seen"] = _Seen(others)

    def forward(self, x: Any, *args: Any) -> Any:
        heed_others()
        if self._active and self._cached_op is not None:
            self._forget_what_changed()
            tensors = self._gathered(x, *args)
            if tensors:
                return self._computed(tensors)
        return super().forward(x, *args)

    def _computed(self, tensors: list[Any]) -> Any:
        """Return what the graph computes of what it takes."""
        made = self._direct(tensors, self._first_alone) if self._direct is not None else None
        if made is None:
            made = self._cached_op(*tensors)
            made = made if isinstance(made, list) else [made]
        return made if self._out_format == [0] * len(made) else _regroup(made, self._out_format)

    def _gathered(self, *inputs: Any) -> list[Any]:
        """Return what the graph takes, in its order: Gluon looks at each tensor several times before it does that.

        There is nothing where Gluon has something to say or to do: inputs that are no NDArrays or of another number,
        parameters on several devices or without values, hooks on operators.
        """
        if self._callback or self._in_format != [0] * len(inputs):
            return []
        tensors = []
        for is_input, of in self._cached_op_args:
            arrays = [inputs[of]] if is_input else of._data
            if arrays is None or len(arrays) != 1 or type(arrays[0]) is not mx.nd.NDArray:
                return []
            tensors.append(arrays[0])
        return tensors

    def _call_cached_op(self, *args: object) -> Any:
        self._forget_what_changed()
        if self._cached_op is None:
            self._build_cache(*args)
            tensors = self._gathered(*args)
            if tensors:
                return self._computed(tensors)
        return super()._call_cached_op(*args)

    def _forget_what_changed(self) -> None:
        """Clear the graph where an attribute of a block that is no GraphBlock is another than when it was traced."""
        if self._seen is not None and self._seen.has_changed():
            self._clear_cached_op()

    def export(self, path: str, epoch: int = 0, remove_amp_cast: bool = True) -> None:
        """Export the graph of the last call, see Gluon's ``HybridBlock.export``; refused where it has changed since.

        What is exported has MXNet's own operators only, and can be loaded where gluonvae is not installed.
        """
        self._forget_what_changed()
        graph = self._cached_graph
        if graph:
            self._cached_graph = ()
            with mxnets_own():
                self._get_graph(*_regroup(graph[0], self._in_format))
        try:
            super().export(path, epoch, remove_amp_cast)
        finally:
            self._cached_graph = graph

    def _check_control_flow(self, *args: object) -> None:
        graph = self._cached_graph

        def trace() -> Any:
            self._cached_graph = ()
            return self._get_graph(*args)[1]

        try:
            reason = why_frozen(self, trace)
        finally:
            self._cached_graph = graph
        if reason:
            self._clear_cached_op()
            raise ValueError(
                f"{type(self).__name__} cannot be hybridised: {reason}. Or leave it imperative: hybridize(False)"
            )


@cache
def fixed_attributes(kind: type) -> frozenset[str]:
    """Return the attributes of a class and its bases that are ``fixed``."""
    return frozenset(name for base in kind.__mro__ for name in vars(base).get("fixed", ()))


def descendants(block: Block) -> Iterator[Block]:
    """Return a block and all that it contains."""
    yield block
    for child in block._children.values():
        yield from descendants(child)


class _Seen:
    """What blocks of Gluon's or of a user's were traced with: their attributes and children, and no further ones."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._values: list[tuple[dict[str, Any], str, Any]] = []
        for block in blocks:
            attributes, children = vars(block), vars(block)["_children"]
            plain = {name for name, value in attributes.items() if not (name in GLUONS_OWN or _has_tensors(value))}
            self._values += [(attributes, name, attributes[name]) for name in plain]
            # and the name by which the next one would be added
            self._values += [(children, name, children.get(name)) for name in (*children, str(len(children)))]

    def has_changed(self) -> bool:
        """Return whether one of them is another now."""
        return any(attributes.get(name) is not value for attributes, name, value in self._values)


def _has_tensors(value: object) -> bool:
    return any(isinstance(leaf, (mx.nd.NDArray, mx.sym.Symbol)) for leaf in leaves(value))
