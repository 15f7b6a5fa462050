"""Triangular and diagonal matrices, ``(..., n, n)``; ONNX has no Cholesky factorisation and solves no equations."""

from __future__ import annotations

import math

import numpy as np

from ..builder import Builder, Node, converts
from ..sizes import Shape, Size


def _order(node: Node) -> int:
    """The n of the first input."""
    size = node.shapes[0][-1]
    if not size.fixed:
        raise NotImplementedError("a matrix whose size depends on the batch")
    return size.factor


def _refuse(node: Node, **defaults: object) -> None:
    """Raise where an attribute is another than its default."""
    for name, default in defaults.items():
        if node.get(name, default) != default:
            raise NotImplementedError(f"{name}={node.get(name)}")


def _merged(graph: Builder, matrix: str, of: Shape) -> str:
    """Matrices ``(..., n, n)`` as rows ``(..., n * n)``."""
    return graph.reshape(matrix, (*of[:-2], Size(of[-2].factor * of[-1].factor, 0)))


def _transpose(graph: Builder, matrix: str, rank: int) -> str:
    return graph.add("Transpose", matrix, perm=[*range(rank - 2), rank - 1, rank - 2])


@converts("_linalg_maketrian")
def maketrian(graph: Builder, node: Node) -> str:
    _refuse(node, offset=0, lower=True)
    count = _order(node)
    order = (math.isqrt(8 * count + 1) - 1) // 2
    # a zero behind the numbers, for the upper triangle
    zero = graph.filled(0, (*node.shapes[0][:-1], Size(1, 0)))
    places = np.full((order, order), count)
    places[np.tril_indices(order)] = np.arange(count)
    numbers = graph.add("Concat", node.inputs[0], zero, axis=-1)
    return graph.add("Gather", numbers, graph.constant(places, np.int64), axis=node.rank - 1)


@converts("_linalg_extractdiag")
def extractdiag(graph: Builder, node: Node) -> str:
    _refuse(node, offset=0)
    return _diagonal(graph, node.inputs[0], node.shapes[0])


def _diagonal(graph: Builder, matrix: str, of: Shape) -> str:
    order = of[-1].factor
    rows = _merged(graph, matrix, of)
    return graph.add("Gather", rows, graph.integers(*range(0, order * order, order + 1)), axis=len(of) - 2)


@converts("_linalg_makediag")
def makediag(graph: Builder, node: Node) -> str:
    _refuse(node, offset=0)
    column = graph.add("Unsqueeze", node.inputs[0], graph.integers(node.rank))
    return graph.add("Mul", column, graph.constant(np.eye(_order(node))))


@converts("_linalg_sumlogdiag")
def sumlogdiag(graph: Builder, node: Node) -> str:
    _order(node)
    logs = graph.add("Log", _diagonal(graph, node.inputs[0], node.shapes[0]))
    return graph.add("ReduceSum", logs, graph.integers(-1), keepdims=0)


@converts("_linalg_gemm2")
def gemm2(graph: Builder, node: Node) -> str:
    _refuse(node, alpha=1, axis=-2)
    one, other = (
        _transpose(graph, x, node.rank) if node.get(f"transpose_{name}", False) else x
        for x, name in zip(node.inputs, "ab")
    )
    return graph.add("MatMul", one, other)


@converts("_linalg_syrk")
def syrk(graph: Builder, node: Node) -> str:
    _refuse(node, alpha=1)
    (x,) = node.inputs
    turned = _transpose(graph, x, node.rank)
    return graph.add("MatMul", turned, x) if node.get("transpose", False) else graph.add("MatMul", x, turned)


def _triangle(graph: Builder, node: Node) -> str:
    """The lower triangle of the first input, above which there may be any numbers."""
    _refuse(node, alpha=1, rightside=False, lower=True)
    return graph.add("Trilu", node.inputs[0], upper=0)


@converts("_linalg_trmm")
def trmm(graph: Builder, node: Node) -> str:
    triangle = _triangle(graph, node)
    if node.get("transpose", False):
        triangle = _transpose(graph, triangle, node.rank)
    return graph.add("MatMul", triangle, node.inputs[1])


@converts("_linalg_potrf")
def potrf(graph: Builder, node: Node) -> str:
    # column by column, each of what the columns before it leave
    _refuse(node, lower=True)
    rest, order, columns = node.inputs[0], _order(node), []
    for number in range(order):
        column = _part(graph, rest, number, node.rank - 1)
        root = graph.add("Sqrt", _part(graph, column, number, node.rank - 2))
        below = (np.arange(order) >= number)[:, None]
        column = graph.add("Mul", graph.add("Div", column, root), graph.constant(below))
        rest = graph.add("Sub", rest, graph.add("MatMul", column, _transpose(graph, column, node.rank)))
        columns.append(column)
    return graph.add("Concat", *columns, axis=-1)


@converts("_linalg_trsm")
def trsm(graph: Builder, node: Node) -> str:
    # row by row of the solution, each from those that are known
    transposed = bool(node.get("transpose", False))
    triangle, order = _triangle(graph, node), _order(node)
    if transposed:
        triangle = _transpose(graph, triangle, node.rank)
    rest, rows = node.inputs[1], {}
    for number in reversed(range(order)) if transposed else range(order):
        column = _part(graph, triangle, number, node.rank - 1)
        pivot = _part(graph, column, number, node.rank - 2)
        rows[number] = row = graph.add("Div", _part(graph, rest, number, node.rank - 2), pivot)
        rest = graph.add("Sub", rest, graph.add("MatMul", column, row))
    return graph.add("Concat", *(rows[number] for number in range(order)), axis=-2)


def _part(graph: Builder, x: str, number: int, axis: int) -> str:
    """One row or column, with its axis."""
    return graph.add("Slice", x, *map(graph.integers, (number, number + 1, axis)))
