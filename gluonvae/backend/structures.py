"""Tuples of tensors, named or not and nested or not, as the flat lists that a graph takes and returns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .types import Structure


def leaves(structure: Structure) -> list[Any]:
    """Return what a structure holds, from left to right; a structure that is no tuple is its own leaf."""
    if not isinstance(structure, tuple):
        return [structure]
    return [leaf for part in structure for leaf in leaves(part)]


def rebuild(structure: Structure, values: Iterable[Any]) -> Structure:
    """Return a structure of the same tuples with ``values`` for leaves, from left to right."""
    remaining: Iterator[Any] = iter(values)
    return map_structure(lambda _: next(remaining), structure)


def split(structure: Structure, values: Sequence[Any]) -> tuple[Structure, Sequence[Any]]:
    """Return a structure of the same tuples made of the first of ``values``, and the values that are left."""
    count = len(leaves(structure))
    return rebuild(structure, values[:count]), values[count:]


def are_same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Return whether two sequences hold the very same objects, in the same order."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


def map_structure(function: Callable[[Any], Any], structure: Structure) -> Structure:
    """Return a structure of the same tuples with ``function(leaf)`` for each leaf, from left to right."""
    if not isinstance(structure, tuple):
        return function(structure)
    parts = [map_structure(function, part) for part in structure]
    return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
