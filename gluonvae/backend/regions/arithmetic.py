"""Arithmetic on the numbers that programs make, one for each row, as instructions of programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from .program import Instruction, Program
from .programs import NAME

Node = dict[str, Any]
"""A node of a graph, as MXNet writes it."""
FOLDED = {"reverse": "True", "shape": "(-1, 0)"}
"""What numbers ``(..., B)`` are reshaped by before they are averaged over all samples."""


class _Replacement(NamedTuple):
    """An instruction in the place of an operator of MXNet's."""

    instruction: Instruction
    inputs: list[list[int]]


def with_arithmetic(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes of a graph, with programs where sums, multiples and averages over samples of such numbers were.

    A multiple is one by a weight of a bound, a tensor ``(1,)`` that no gradient flows through.

    Parameters
    ----------
    nodes : sequence of dict
        In the order in which they are computed.
    """
    made: list[Node] = []
    for node in nodes:
        replacement = _replacement(node, made)
        if replacement is None:
            made.append(node)
            continue
        count = len(replacement.inputs)
        program = Program(count, (replacement.instruction,), (count,))
        attributes = {"op_type": NAME, "program": program.encoded()}
        made.append({**node, "op": "Custom", "attrs": attributes, "inputs": replacement.inputs})
    return made


def _replacement(node: Node, nodes: Sequence[Node]) -> Optional[_Replacement]:
    inputs = node["inputs"]
    if node["op"] in ("elemwise_add", "elemwise_sub") and all(are_numbers(of, nodes) for of in inputs):
        sign = 1.0 if node["op"] == "elemwise_add" else -1.0
        return _Replacement(Instruction("sum", (0, 1), {"factor": sign}), inputs)
    if node["op"] == "broadcast_mul" and are_numbers(inputs[0], nodes):
        weight = _weight(nodes[inputs[1][0]], nodes)
        if weight is not None:
            return _Replacement(Instruction("multiple", (0, 1), {}), [inputs[0], weight])
    factor = _factor(node)
    if factor is not None and are_numbers(inputs[0], nodes):
        return _Replacement(Instruction("scaled", (0,), {"factor": factor}), inputs)
    if node["op"] == "mean" and node.get("attrs") == {"axis": "0"}:
        folded = nodes[inputs[0][0]]
        if folded["op"] == "Reshape" and folded["attrs"] == FOLDED and are_numbers(folded["inputs"][0], nodes):
            return _Replacement(Instruction("mean", (0,), {}), folded["inputs"])
    return None


def _factor(node: Node) -> Optional[float]:
    """What a node multiplies its input by, or None where it does something else."""
    if node["op"] == "_copy":
        return 1.0
    if node["op"] == "_mul_scalar":
        return float(node["attrs"]["scalar"])
    if node["op"] == "_div_scalar" and float(node["attrs"]["scalar"]):
        return 1 / float(node["attrs"]["scalar"])
    return None


def are_numbers(entry: Sequence[int], nodes: Sequence[Node]) -> bool:
    """Return whether an output of a node is one number for each row, made by a program."""
    node = nodes[entry[0]]
    if not is_program(node):
        return False
    return Program.decoded(node["attrs"]["program"]).makes_numbers(entry[1])


def _weight(node: Node, nodes: Sequence[Node]) -> Optional[list[int]]:
    """Return the variable of a weight whose gradient is blocked, or None where a node is something else."""
    if node["op"] != "BlockGrad":
        return None
    variable = nodes[node["inputs"][0][0]]
    is_number = variable["op"] == "null" and variable.get("attrs", {}).get("__shape__") == "(1,)"
    return node["inputs"][0] if is_number else None


def is_program(node: Mapping[str, Any]) -> bool:
    """Return whether a node of a graph is a program."""
    return bool(node["op"] == "Custom" and node["attrs"]["op_type"] == NAME)
