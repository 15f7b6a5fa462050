"""In which forms dense layers take their products: of operands rounded to bfloat16, without the zeros of data, or
transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Optional

from .images import Shape
from .kinds import is_narrow
from .lines import NUMBERS, whole_lines
from .operator import SMALLEST
from .program import Program

MOST = 3
"""Zeros are left out where at most one number of so many is not 0: where it is 40 % of them the products take as long
as with all."""
NARROWEST = 128
"""How many numbers a row of data has at least, where zeros are looked for."""
LARGEST_DATA = 2**22
"""Most numbers of the data and of the product: each thread has room to list the data, and the pass for the product."""
LANES = 16
"""Numbers of a vector: those of 512 bits. LLVM makes two or four of one where the processor's are shorter."""
TILE = 128
"""Of how many units the weights are transposed, or the gradients copied, at a time."""
SOME_ROWS = 256
"""From how many rows on a weight is transposed before the forward pass: oneDNN's products with what is transposed take
5 to 10 % less time."""
MANY_ROWS = 2048
"""From how many rows on the gradient of a weight is computed transposed, if there are more units than inputs: oneDNN
takes a tenth less time then (5000 rows, 784 units, 200 inputs). With few rows, transposing it takes as long."""


class _Sizes(NamedTuple):
    """Those of a dense layer."""

    rows: int
    width: int
    units: int


def _sizes(program: Program, shapes: Sequence[Shape], i: int) -> Optional[_Sizes]:
    """The sizes of a dense layer with products in float32, None of other instructions."""
    kind, operands, options = program.instructions[i]
    if kind != "dense" or is_narrow(options):
        return None
    *leading, width = shapes[operands[0]]
    return _Sizes(math.prod(leading), width, options["units"])


def may_leave_out_zeros(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer of data, whose zeros are left out if they are many."""
    of = _sizes(program, shapes, i)
    if of is None or program.instructions[i].operands[0] >= program.inputs:
        return False
    return (
        of.width >= NARROWEST
        and min(of.rows, of.units) >= SMALLEST
        and of.rows * max(of.width, of.units) <= LARGEST_DATA
    )


def transposes_weight(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer that transposes its weight before the forward pass."""
    of = _sizes(program, shapes, i)
    return of is not None and of.rows >= SOME_ROWS and min(of.width, of.units) >= LANES


def transposes_gradient(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer whose weight's gradient is computed transposed."""
    of = _sizes(program, shapes, i)
    return of is not None and of.rows >= MANY_ROWS and of.units > of.width


def memory(program: Program, shapes: Sequence[Shape]) -> int:
    """Return how many numbers of memory a thread takes for data without zeros, see ``sparse.py``, or for a gradient.

    Parameters
    ----------
    program : Program
    shapes : sequence of tuple
        Those of all values.
    """
    most = 0
    for i in range(len(program.instructions)):
        of = _sizes(program, shapes, i)
        if of is None:
            continue
        rows, width, units = of
        if may_leave_out_zeros(program, shapes, i):
            of_rows, of_columns = rows + 1 + 2 * rows * width, width + 1 + 2 * rows * width
            forward = (width + 1) * TILE + of_rows
            backward = (LANES + 1 + rows) * TILE + 2 * (rows + 63) + of_columns
            most = max(most, forward, backward)
        if transposes_gradient(program, shapes, i):
            most = max(most, units * width)
    return most


def places(
    program: Program, shapes: Sequence[Shape], scratch: int, forward_scratch: int
) -> tuple[list[list[int]], int, int]:
    """Return the form of each instruction's operands, and how much memory the passes take with these.

    Parameters
    ----------
    program : Program
    shapes : sequence of tuple
        Those of all values.
    scratch, forward_scratch : int
        How many numbers of memory the backward and the forward pass take without them.

    Returns
    -------
    places : list of list of int
        Of each instruction, or -1: where the memory of the forward pass has the weight in bfloat16 or transposed, or
        the product without the zeros of data; where that of the backward pass has weight, data and the gradient of the
        result in bfloat16. Then whether the zeros of data may be left out, and whether the weight, and its gradient,
        are transposed.
    scratch, forward_scratch : int
    """
    found = []
    for i, (kind, operands, options) in enumerate(program.instructions):
        ways = [of(program, shapes, i) for of in (may_leave_out_zeros, transposes_weight, transposes_gradient)]
        found.append([-1, -1, -1, -1, *map(int, ways)])
        if ways[0] or ways[1]:  # one or the other, as the data are
            sizes = [math.prod(shapes[v]) for v in (program.inputs + i, operands[1])]
            found[i][0] = forward_scratch
            forward_scratch += whole_lines(max(size for size, used in zip(sizes, ways) if used))
        if kind == "dense" and is_narrow(options):
            sizes = [math.prod(shapes[v]) for v in (operands[1], operands[0], program.inputs + i)]
            weight, data, delta = (whole_lines(size, 2 * NUMBERS) // 2 for size in sizes)  # two to a number
            found[i][:4] = [forward_scratch, scratch, scratch + weight, scratch + weight + data]
            forward_scratch, scratch = forward_scratch + weight, scratch + weight + data + delta
    return found, scratch, forward_scratch
