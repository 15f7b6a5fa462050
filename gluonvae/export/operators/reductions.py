"""Sums, means, maxima and what is normalised by them."""

from __future__ import annotations

from functools import partial

from ..builder import Builder, Node, converts

REDUCTIONS = {"mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}


@converts("sum")
def sum_over_axes(graph: Builder, node: Node) -> str:
    axes = graph.integers(*node.axes())
    return _shaped(graph, node, graph.add("ReduceSum", node.inputs[0], axes, keepdims=_keeps(node)))


def _reduced(op: str, graph: Builder, node: Node) -> str:
    return _shaped(graph, node, graph.add(op, node.inputs[0], axes=node.axes(), keepdims=_keeps(node)))


def _keeps(node: Node) -> int:
    return int(node.get("keepdims", False))


def _shaped(graph: Builder, node: Node, reduced: str) -> str:
    # MXNet has an axis left where all are reduced
    is_scalar = len(node.axes()) == node.rank and not _keeps(node)
    return graph.reshape(reduced, node.shape) if is_scalar else reduced


for operator, name in REDUCTIONS.items():
    converts(operator)(partial(_reduced, name))


def _place_of(op: str, graph: Builder, node: Node) -> str:
    if node.get("axis", None) is None:
        raise NotImplementedError("axis=None")
    # MXNet has numbers for indices
    place = graph.add(op, node.inputs[0], axis=node.axis(0), keepdims=_keeps(node))
    return graph.as_float(place)


converts("argmax")(partial(_place_of, "ArgMax"))
converts("argmin")(partial(_place_of, "ArgMin"))


def _normalised(op: str, graph: Builder, node: Node) -> str:
    if node.get("use_length", False):
        raise NotImplementedError("use_length=True")
    x, temperature = node.inputs[0], node.get("temperature", None)
    if temperature not in (None, 1):
        x = graph.add("Div", x, graph.constant(float(temperature)))
    return graph.add(op, x, axis=node.axis(-1))


converts("softmax")(partial(_normalised, "Softmax"))
converts("log_softmax")(partial(_normalised, "LogSoftmax"))


@converts("_np_cumsum")
def cumsum(graph: Builder, node: Node) -> str:
    if node.get("axis", None) is None:
        raise NotImplementedError("axis=None")
    return graph.add("CumSum", node.inputs[0], graph.constant(node.axis(0), "int64"))
