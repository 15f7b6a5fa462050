"""Python code that tracing would freeze: branches on the mode, counters, random numbers."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Optional

from .runtime import mx
from .types import Block

KNOWN = ("gluonvae", "mxnet", "gluoncv")
"""Packages whose blocks have one graph."""

FAR = 1000
"""What is added to a number that changes from call to call, to see whether the graph depends on it."""


def has_code_of_its_own(block: Block) -> bool:
    """Return whether a block contains a class or a function that is of none of the packages :data:`KNOWN`."""
    functions = filter(inspect.isfunction, vars(block).values())
    return any(is_foreign(thing) for thing in (type(block), *functions)) or any(
        has_code_of_its_own(child) for child in block._children.values()
    )


def is_foreign(thing: Any) -> bool:
    """Return whether a class or function is of none of the packages :data:`KNOWN`."""
    return str(thing.__module__).partition(".")[0] not in KNOWN


@contextmanager
def _without_stops() -> Iterator[None]:
    """Let ``breakpoint()`` pass: the graph that is used has stopped there already."""
    hook = sys.breakpointhook
    sys.breakpointhook = lambda *arguments, **named: None
    try:
        yield
    finally:
        sys.breakpointhook = hook


@_without_stops()
def why_frozen(block: Block, trace: Callable[[], Any]) -> Optional[str]:
    """Say why a graph does not compute what its block does.

    Parameters
    ----------
    block : Block
        The block.
    trace : callable
        Traces it anew, and returns the Symbol.

    Returns
    -------
    str or None
        What is frozen and what to do; None where two traces in a row, one in training, and one after many calls are
        all the same.
    """
    before = dict(_numbers(block))
    with mx.autograd.pause():
        first = _structure(trace())
        changed = [(place, value) for place, value in _numbers(block) if value != before.get(place, value)]
        second = _structure(trace())
    with mx.autograd.record():
        in_training = _structure(trace())
    with mx.autograd.pause():
        for (owner, name), value in changed:
            vars(owner)[name] = (not value) if isinstance(value, bool) else value + FAR
        after_many_calls = _structure(trace())
    for (owner, name), value in before.items():
        vars(owner)[name] = value
    if not first == second == after_many_calls:
        counted = ", ".join(f"{type(owner).__name__}.{name}" for (owner, name), _ in changed)
        return (
            f"{_names(block)} has another graph at another call, and the first one would stay: what Python "
            f"{f'counts in {counted}' if counted else 'draws at random or counts'} has to be an input or a parameter"
        )
    if in_training != first:
        return (
            f"{_names(block)} has another graph in training, and the first one that is traced would stay: instead of "
            "autograd.is_training() use operators that know the mode, such as F.Dropout and F.BatchNorm"
        )
    return None


def _names(block: Block) -> str:
    """The classes inside a block that are not of the packages :data:`KNOWN`, innermost first."""
    inside = [name for child in block._children.values() if (name := _names(child))]
    own = [type(block).__name__] if not inside and has_code_of_its_own(block) else []
    return " or ".join(dict.fromkeys([*inside, *own]))


def _numbers(block: Block) -> Iterator[tuple[tuple[Block, str], float]]:
    """The numbers among the attributes of a block and of those that it contains, each with its place."""
    for name, value in vars(block).items():
        if isinstance(value, (int, float)):
            yield (block, name), value
    for child in block._children.values():
        yield from _numbers(child)


def _structure(symbol: Any) -> Any:
    """A graph without what is numbered anew each time: names of operators, and versions of moving averages."""
    graph = json.loads(symbol.tojson())
    for node in graph["nodes"]:
        if node["op"] != "null":
            del node["name"]
        node["inputs"] = [place for *place, _ in node["inputs"]]
    return graph["nodes"], [place for *place, _ in graph["heads"]]
