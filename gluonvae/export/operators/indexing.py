"""Parts of tensors, by position and by index."""

from __future__ import annotations

import numpy as np

from ..builder import FLOAT, Builder, Node, converts

END = 2**31 - 1
"""Beyond every axis."""


def _slice(graph: Builder, x: str, begins: list[int], ends: list[int], axes: list[int], steps: list[int]) -> str:
    return graph.add("Slice", x, *(graph.integers(*values) for values in (begins, ends, axes, steps)))


@converts("slice_axis")
def slice_axis(graph: Builder, node: Node) -> str:
    end = node.get("end")
    return _slice(graph, node.inputs[0], [int(node.get("begin"))], [END if end is None else end], [node.axis(0)], [1])


@converts("slice")
def slice_axes(graph: Builder, node: Node) -> str:
    begins, ends = node.get("begin"), node.get("end")
    steps = [step or 1 for step in node.get("step", ()) or [1] * len(begins)]
    if min(steps) < 0:
        raise NotImplementedError("a negative step")
    begins = [0 if begin is None else begin for begin in begins]
    ends = [END if end is None else end for end in ends]
    return _slice(graph, node.inputs[0], begins, ends, list(range(len(begins))), steps)


@converts("slice_like")
def slice_like(graph: Builder, node: Node) -> str:
    axes = [axis % node.rank for axis in node.get("axes", ()) or range(node.rank)]
    begins, steps = graph.integers(*[0] * len(axes)), graph.integers(*[1] * len(axes))
    ends = graph.sizes(tuple(node.shape[axis] for axis in axes))
    return graph.add("Slice", node.inputs[0], begins, ends, graph.integers(*axes), steps)


@converts("take")
def take(graph: Builder, node: Node) -> str:
    if node.get("mode", "clip") != "clip":
        raise NotImplementedError(f"mode={node.get('mode')}")
    values, places = node.inputs
    axis = int(node.get("axis", 0)) % node.rank
    return graph.add("Gather", values, _within(graph, node, places, axis), axis=axis)


@converts("Embedding")
def embedding(graph: Builder, node: Node) -> str:
    return graph.add("Gather", node.inputs[1], graph.as_index(node.inputs[0]), axis=0)


@converts("pick")
def pick(graph: Builder, node: Node) -> str:
    if node.get("mode", "clip") != "clip":
        raise NotImplementedError(f"mode={node.get('mode')}")
    values, places = node.inputs
    axis = node.axis(-1)
    if len(node.shapes[1]) < node.rank:
        places = graph.add("Unsqueeze", places, graph.integers(axis))
    picked = graph.add("GatherElements", values, _within(graph, node, places, axis), axis=axis)
    return picked if node.get("keepdims", False) else graph.add("Squeeze", picked, graph.integers(axis))


def _within(graph: Builder, node: Node, places: str, axis: int) -> str:
    """Indices of an axis; those beyond its ends are the first and the last."""
    size = node.shapes[0][axis]
    if not size.fixed:
        raise NotImplementedError("an axis whose size depends on the batch")
    limits = graph.constant(0.0), graph.constant(float(size.factor - 1))
    return graph.as_index(graph.add("Clip", places, *limits))


@converts("_contrib_arange_like")
def arange_like(graph: Builder, node: Node) -> str:
    if node.get("repeat", 1) != 1:
        raise NotImplementedError("repeat")
    start, step = float(node.get("start", 0)), float(node.get("step", 1))
    if len(node.shape) != 1:
        raise NotImplementedError("axis=None of several axes")
    (size,) = node.shape
    if size.fixed:
        return graph.constant(start + step * np.arange(size.factor))
    count = graph.add("Squeeze", graph.size(size), graph.integers(0))
    numbers = graph.add("Range", graph.constant(0, np.int64), count, graph.constant(1, np.int64))
    scaled = graph.add("Mul", graph.add("Cast", numbers, to=FLOAT), graph.constant(step))
    return graph.add("Add", scaled, graph.constant(start))
