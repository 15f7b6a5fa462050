"""Programs of a graph put together, so that a pass through it is one operator instead of a dozen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..runtime import mx
from .program import NAME, Instruction, Program

Entry = tuple[int, int]
"""An output of a node: the node's number, and that of the output."""


def fused(symbol: Any) -> Any:
    """Return a graph with its programs put together where nothing else is between them.

    Parameters
    ----------
    symbol : mx.sym.Symbol
        The graph.

    Returns
    -------
    mx.sym.Symbol
        A graph of the same inputs, outputs and values.
    """
    graph = json.loads(symbol.tojson())
    nodes = graph["nodes"]
    groups = [group for group in _groups(nodes) if len(group) > 1]
    if not groups:
        return symbol
    for group in groups:
        _put_together(graph, group)
    return mx.sym.load_json(json.dumps(_sorted(graph)))


def _is_program(node: Any) -> bool:
    return node["op"] == "Custom" and node["attrs"]["op_type"] == NAME


def _groups(nodes: Sequence[Any]) -> list[list[int]]:
    """The programs that can be put together: none of which is computed, by way of other nodes, of another."""
    groups: list[list[int]] = []
    group_of: dict[int, int] = {}
    behind: list[set[int]] = []  # of each node, the groups that it depends on by way of others
    for number, node in enumerate(nodes):
        of_inputs = {index for index, *_ in node["inputs"]}
        depends = set().union(*(behind[index] for index in of_inputs))
        last = len(groups) - 1
        if not _is_program(node):
            behind.append(depends | {group_of[index] for index in of_inputs if index in group_of})
            continue
        if not groups or last in depends:
            groups.append([])
            last += 1
        groups[last].append(number)
        group_of[number] = last
        behind.append(depends | {group_of[index] for index in of_inputs if group_of.get(index, last) != last})
    return groups


def _put_together(graph: Any, group: Sequence[int]) -> None:
    """Replace programs by one: the last of them becomes it, and what is computed of the others is of its outputs."""
    nodes, members = graph["nodes"], set(group)
    inputs = list(dict.fromkeys((i, o) for number in group for i, o, _ in nodes[number]["inputs"] if i not in members))
    values: dict[Entry, int] = {entry: place for place, entry in enumerate(inputs)}
    instructions: list[Instruction] = []
    for number in group:
        of_node = [(i, o) for i, o, _ in nodes[number]["inputs"]]
        program = Program.decoded(nodes[number]["attrs"]["program"])
        own = [values[entry] for entry in of_node]
        for kind, operands, options in program.instructions:
            own.append(len(inputs) + len(instructions))
            instructions.append(Instruction(kind, tuple(own[v] for v in operands), options))
        values.update({(number, place): own[v] for place, v in enumerate(program.outputs)})
    others = [entry for k, node in enumerate(nodes) if k not in members for entry in node["inputs"]]
    taken = list(dict.fromkeys((i, o) for i, o, *_ in (*others, *graph["heads"]) if i in members))
    places = {entry: place for place, entry in enumerate(taken)}
    last = group[-1]
    for entry in (*others, *graph["heads"]):
        if entry[0] in members:
            entry[:2] = [last, places[entry[0], entry[1]]]
    whole = Program(len(inputs), tuple(instructions), tuple(values[entry] for entry in taken))
    nodes[last]["inputs"] = [[i, o, 0] for i, o in inputs]
    nodes[last]["attrs"] = {"op_type": NAME, "program": whole.encoded()}


def _sorted(graph: Any) -> Any:
    """Return a graph with its nodes in the order in which they are computed, without those that nothing needs."""
    nodes = graph["nodes"]
    order: list[int] = []
    new: dict[int, int] = {}
    waiting = [index for index, *_ in reversed(graph["heads"])]
    while waiting:
        number = waiting[-1]
        missing = [index for index, *_ in nodes[number]["inputs"] if index not in new] if number not in new else []
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if number not in new:
            new[number] = len(order)
            order.append(number)
    made = [{**nodes[k], "inputs": [[new[i], *rest] for i, *rest in nodes[k]["inputs"]]} for k in order]
    return {
        **{key: value for key, value in graph.items() if key != "node_row_ptr"},
        "nodes": made,
        "arg_nodes": [number for number, node in enumerate(made) if node["op"] == "null"],
        "heads": [[new[i], *rest] for i, *rest in graph["heads"]],
    }
