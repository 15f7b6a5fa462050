"""Programs of a graph put together, so that a pass through it is one operator instead of a dozen."""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from typing import Any

from ..runtime import mx
from .arithmetic import are_numbers, is_program, with_arithmetic
from .kinds import KINDS
from .program import Instruction, Program
from .programs import NAME

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
    graph = _sorted({**graph, "nodes": with_arithmetic(graph["nodes"])})
    nodes = graph["nodes"]
    states = set(symbol.list_auxiliary_states())  # such as running statistics, which have no gradient
    groups = [group for group in _groups(nodes, states) if len(group) > 1]
    if not groups:
        return symbol
    for group in groups:
        _put_together(graph, group)
    return mx.sym.load_json(json.dumps(_sorted(graph)))


def _is_of_images(node: Any) -> bool:
    return any(KINDS[made.kind].of_images for made in Program.decoded(node["attrs"]["program"]).instructions)


def _mixes_rows(node: Any, nodes: Sequence[Any]) -> bool:
    """Whether a program takes for rows what another has made as numbers, or the other way round: a row of one thread is
    then not one of another's."""
    taken = [KINDS[made.kind] for made in Program.decoded(node["attrs"]["program"]).instructions]
    if any(kind.over_samples for kind in taken):
        return not all(are_numbers(entry, nodes) for entry in node["inputs"])
    if all(kind.of_numbers for kind in taken):
        return False
    return any(are_numbers(entry, nodes) for entry in node["inputs"])


def _of_parameters(nodes: Sequence[Any]) -> set[int]:
    """The nodes that compute what programs take as parameters: the gradients of these are known in the end only."""
    found: set[int] = set()
    for node in filter(is_program, nodes):
        program = Program.decoded(node["attrs"]["program"])
        for kind, operands, _ in program.instructions:
            own = [operands[j] for j in KINDS[kind].parameters if j < len(operands)]  # there may be no bias
            found.update(node["inputs"][v][0] for v in own if v < program.inputs)
    return found


def _groups(nodes: Sequence[Any], states: set[str]) -> list[list[int]]:
    """The programs that can be put together: none of which is computed, by way of other nodes, of another.

    What no gradient flows through stays apart: in one program with the rest it would be given gradients. So do
    programs of images, which are rows of another kind.
    """
    apart = _of_parameters(nodes)
    groups: list[list[int]] = []
    group_of: dict[int, int] = {}
    last: dict[tuple[bool, bool], int] = {}
    behind: list[set[int]] = []  # of each node, the groups that it depends on by way of others
    is_live: list[bool] = []  # whether a gradient flows through a node
    for number, node in enumerate(nodes):
        of_inputs = {index for index, *_ in node["inputs"]}
        starts = not of_inputs and node["name"] not in states
        live = node["op"] != "BlockGrad" and (starts or any(is_live[index] for index in of_inputs))
        depends: set[int] = set().union(*(behind[index] for index in of_inputs))
        by_way = {group_of[index] for index in of_inputs if index in group_of}
        is_live.append(live)
        if not is_program(node) or number in apart or _mixes_rows(node, nodes):
            behind.append(depends | by_way)
            continue
        kind = live, _is_of_images(node)
        if kind not in last or last[kind] in depends | by_way - {last[kind]}:
            last[kind] = len(groups)
            groups.append([])
        own = last[kind]
        groups[own].append(number)
        group_of[number] = own
        behind.append(depends | by_way - {own})
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
            made = Instruction(kind, tuple(own[v] for v in operands), options)
            before = made.operands[0] - len(inputs)
            if kind == "channels_last" and before >= 0 and instructions[before].kind == "channels_first":
                own.append(instructions[before].operands[0])
                continue
            own.append(len(inputs) + len(instructions))
            instructions.append(made)
        values.update({(number, place): own[v] for place, v in enumerate(program.outputs)})
    others = [entry for k, node in enumerate(nodes) if k not in members for entry in node["inputs"]]
    taken = list(dict.fromkeys((i, o) for i, o, *_ in (*others, *graph["heads"]) if i in members))
    places = {entry: place for place, entry in enumerate(taken)}
    last = group[-1]
    for entry in (*others, *graph["heads"]):
        if entry[0] in members:
            entry[:2] = [last, places[entry[0], entry[1]]]
    whole = Program(len(inputs), tuple(instructions), tuple(values[entry] for entry in taken)).without_unused()
    nodes[last]["inputs"] = [[i, o, 0] for i, o in inputs]
    nodes[last]["attrs"] = {"op_type": NAME, "program": whole.encoded()}


def _sorted(graph: Any) -> Any:
    """Return a graph with its nodes in the order in which they are computed, without those that nothing needs."""
    nodes = graph["nodes"]
    needed, waiting = set(), [index for index, *_ in graph["heads"]]
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            waiting += [index for index, *_ in nodes[number]["inputs"]]
    # as near to the order in which they were as may be: running statistics are updated in it
    missing = {number: len({index for index, *_ in nodes[number]["inputs"]}) for number in needed}
    users: dict[int, list[int]] = {number: [] for number in needed}
    for number in needed:
        for index in {index for index, *_ in nodes[number]["inputs"]}:
            users[index].append(number)
    ready = [number for number in sorted(needed) if not missing[number]]
    order: list[int] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(number)
        for user in users[number]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, user)
    new = {number: place for place, number in enumerate(order)}
    made = [{**nodes[k], "inputs": [[new[i], *rest] for i, *rest in nodes[k]["inputs"]]} for k in order]
    return {
        **{key: value for key, value in graph.items() if key != "node_row_ptr"},
        "nodes": made,
        "arg_nodes": [number for number, node in enumerate(made) if node["op"] == "null"],
        "heads": [[new[i], *rest] for i, *rest in graph["heads"]],
    }
