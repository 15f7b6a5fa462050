"""Sizes of the axes of tensors, as functions of the number B of data points of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

BATCHES = (101, 211)
"""Primes: an axis that follows the batch cannot be taken for one that does not."""


class Size(NamedTuple):
    """A size ``factor * B**power`` of an axis."""

    factor: int
    power: int

    def at(self, batch: int) -> int:
        """Return the size for a batch of so many data points."""
        return self.factor * batch**self.power

    @property
    def fixed(self) -> bool:
        """Whether it is the same for every batch."""
        return not self.power

    def __str__(self) -> str:
        if self.fixed:
            return str(self.factor)
        batch = "B" if self.power == 1 else f"B^{self.power}"
        return batch if self.factor == 1 else f"{self.factor} {batch}"


Shape = tuple[Size, ...]

BATCH = Size(1, 1)


def shape(*sizes: Any) -> Shape:
    """Return a shape of sizes, of which numbers are fixed."""
    return tuple(size if isinstance(size, Size) else Size(size, 0) for size in sizes)


def in_words(of: Shape) -> str:
    """Return a shape as documents write it: ``(B, 784)``."""
    return f"({', '.join(map(str, of))}{',' if len(of) == 1 else ''})"


def infer_shapes(symbol: Any, inputs: Mapping[str, Shape]) -> dict[tuple[int, int], Shape]:
    """Infer the shapes of all tensors of a graph.

    Parameters
    ----------
    symbol : mx.sym.Symbol
        The graph.
    inputs : Mapping[str, Shape]
        Shapes of its inputs and parameters by name.

    Returns
    -------
    dict
        The shape of each tensor, by the number of its node in the graph's JSON and the number of the node's output.

    Raises
    ------
    ValueError
        For a size that is another function of B.
    """
    internals = symbol.get_internals()
    used = set(symbol.list_inputs())
    places = [(node, output) for node, output, *_ in json.loads(internals.tojson())["heads"]]
    some, others = (
        internals.infer_shape(
            **{name: tuple(size.at(batch) for size in of) for name, of in inputs.items() if name in used}
        )[1]
        for batch in BATCHES
    )
    return {place: tuple(map(_size, *of)) for place, *of in zip(places, some, others)}


def _size(one: int, other: int) -> Size:
    if one == other:
        return Size(one, 0)
    for power in (1, 2, 3):
        factor = one // BATCHES[0] ** power
        size = Size(factor, power)
        if factor and (size.at(BATCHES[0]), size.at(BATCHES[1])) == (one, other):
            return size
    raise ValueError(
        f"an axis has {one} numbers for a batch of {BATCHES[0]} data points and {other} for one of {BATCHES[1]}: "
        "graphs whose axes are other than multiples of the batch are not exported"
    )
