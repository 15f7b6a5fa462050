"""An ONNX graph while it is built: nodes, constants, and shapes that depend on the batch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np

from .sizes import Shape, Size

FLOAT, INT64, BOOL = 1, 7, 9
"""Types of elements in ONNX, for Cast."""

_MISSING = object()


@dataclass(frozen=True)
class Node:
    """A node of MXNet's graph, and what is known of it."""

    op: str
    """The operator."""
    name: str
    attributes: Mapping[str, str]
    inputs: Sequence[str]
    """Names of the inputs in the ONNX graph."""
    shapes: Sequence[Shape]
    """Their shapes."""
    outputs: Sequence[Shape]
    """Shapes of the outputs."""

    @property
    def shape(self) -> Shape:
        """The shape of the first output."""
        return self.outputs[0]

    @property
    def rank(self) -> int:
        """The number of axes of the first input."""
        return len(self.shapes[0])

    def get(self, name: str, default: Any = _MISSING) -> Any:
        """Return an attribute: a number, a truth value, a tuple, None or text."""
        if name not in self.attributes:
            if default is _MISSING:
                raise ValueError(f"{self.name} has no attribute {name}")
            return default
        text = self.attributes[name]
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text

    def axes(self) -> tuple[int, ...]:
        """Return the attribute ``axis`` of a reduction, as axes from 0."""
        axis = self.get("axis", None)
        given = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
        counted = tuple(sorted(one % self.rank for one in given)) or tuple(range(self.rank))
        return tuple(one for one in range(self.rank) if one not in counted) if self.get("exclude", False) else counted

    def axis(self, default: int) -> int:
        """Return the attribute ``axis`` of an operator that takes a single one, from 0."""
        axis = self.get("axis", default)
        return (default if axis is None else axis) % self.rank


class Builder:
    """Collects what an ONNX graph is made of. Tensors are known by their names.

    Parameters
    ----------
    batched : str
        An input whose first axis is B.
    """

    def __init__(self, batched: str) -> None:
        self.nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self.constants: dict[str, np.ndarray] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._batched = batched
        self._batch = ""

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or a list of the names of several."""
        first = len(self.nodes)
        names = [f"{op}_{first}" if outputs == 1 else f"{op}_{first}_{number}" for number in range(outputs)]
        self.nodes.append((op, list(inputs), names, attributes))
        return names[0] if outputs == 1 else names

    def name_output(self, tensor: str, name: str) -> None:
        """Give a tensor a name that users see."""
        self.nodes.append(("Identity", [tensor], [name], {}))

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Return the name of a constant."""
        array = np.asarray(values, dtype)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = name = f"constant_{len(self._known)}"
            self.constants[name] = array
        return self._known[key]

    def integers(self, *values: int) -> str:
        """Return the name of a constant vector of whole numbers, such as axes."""
        return self.constant(values, np.int64)

    def size(self, of: Size) -> str:
        """Return the name of a vector of one size."""
        if of.fixed:
            return self.integers(of.factor)
        if not self._batch:
            self._batch = self.add("Gather", self.add("Shape", self._batched), self.integers(0))
        size = self._batch
        for _ in range(of.power - 1):
            size = self.add("Mul", size, self._batch)
        return size if of.factor == 1 else self.add("Mul", size, self.integers(of.factor))

    def sizes(self, of: Shape) -> str:
        """Return the name of a shape as a vector."""
        if all(size.fixed for size in of):
            return self.integers(*(size.factor for size in of))
        return self.add("Concat", *map(self.size, of), axis=0)

    def reshape(self, tensor: str, of: Shape) -> str:
        """Return the name of a tensor in another shape."""
        if sum(not size.fixed for size in of) > 1:
            return self.add("Reshape", tensor, self.sizes(of))
        return self.add("Reshape", tensor, self.integers(*(size.factor if size.fixed else -1 for size in of)))

    def filled(self, value: float, of: Shape) -> str:
        """Return the name of a tensor of equal numbers."""
        if all(size.fixed for size in of):
            return self.constant(np.full([size.factor for size in of], value))
        return self.add("Expand", self.constant(value), self.sizes(of))

    def as_float(self, tensor: str) -> str:
        """Return the name of a tensor as float32: truth values are 0 and 1."""
        return self.add("Cast", tensor, to=FLOAT)

    def as_index(self, tensor: str) -> str:
        """Return the name of a tensor of whole numbers as int64."""
        return self.add("Cast", tensor, to=INT64)

    def as_bool(self, tensor: str) -> str:
        """Return the name of a tensor as truth values: whether it is not 0."""
        return self.add("Cast", tensor, to=BOOL)


Made = Union[str, Sequence[str]]
Converter = Callable[[Builder, Node], Made]
"""Adds what one node of MXNet's graph computes; returns the name of its output, or those of all."""

CONVERTERS: dict[str, Converter] = {}
"""What converts each operator of MXNet, by its name."""


def converts(*operators: str) -> Callable[[Converter], Converter]:
    """Decorate the function that converts these operators of MXNet."""

    def register(function: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(operators, function))
        return function

    return register
