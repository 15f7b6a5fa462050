"""In which forms dense layers take their products: of operands rounded to bfloat16, without the zeros of data, or
transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
"""Of how many numbers data may be, as a thread has room to list all of them."""
LANES = 16
"""Numbers of a vector: those of 512 bits. LLVM makes two or four of one where the processor's are shorter."""
TILE = 128
"""Of how many units the weights are transposed, or the gradients copied, at a time."""
SOME_ROWS = 256
"""From how many rows on weights are transposed before the forward pass: oneDNN's products with them take 5 to 10 % less
time so."""
MANY_ROWS = 2048
"""From how many rows on a weight's gradient may be computed transposed: oneDNN's product of 784 units of 5000 rows and
200 inputs takes a tenth less time so, and of few rows to transpose the gradient takes as long as that spares."""


def may_leave_out_zeros(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer of data, whose zeros are left out if they are many."""
    kind, operands, options = program.instructions[i]
    if kind != "dense" or is_narrow(options) or operands[0] >= program.inputs:
        return False
    *leading, width = shapes[operands[0]]
    rows = math.prod(leading)
    return width >= NARROWEST and min(rows, options["units"]) >= SMALLEST and rows * width <= LARGEST_DATA


def turns_weight(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer whose weight is transposed, see ``SOME_ROWS``."""
    kind, operands, options = program.instructions[i]
    if kind != "dense" or is_narrow(options):
        return False
    *leading, width = shapes[operands[0]]
    return math.prod(leading) >= SOME_ROWS and min(width, options["units"]) >= LANES


def turns_gradient(program: Program, shapes: Sequence[Shape], i: int) -> bool:
    """Return whether an instruction is a dense layer of many rows and more units than inputs, see ``MANY_ROWS``."""
    kind, operands, options = program.instructions[i]
    if kind != "dense" or is_narrow(options):
        return False
    *leading, width = shapes[operands[0]]
    return math.prod(leading) >= MANY_ROWS and options["units"] > width


def memory(program: Program, shapes: Sequence[Shape]) -> int:
    """Return how many numbers of memory a thread takes for data without zeros, see ``sparse.py``, or for a gradient.

    Parameters
    ----------
    program : Program
    shapes : sequence of tuple
        Those of all values.
    """
    most = 0
    for i, (_, operands, _) in enumerate(program.instructions):
        if may_leave_out_zeros(program, shapes, i):
            *leading, width = shapes[operands[0]]
            rows = math.prod(leading)
            of_rows, of_columns = rows + 1 + 2 * rows * width, width + 1 + 2 * rows * width
            forward = (width + 1) * TILE + of_rows
            backward = (LANES + 1 + rows) * TILE + 2 * (rows + 63) + of_columns
            most = max(most, forward, backward)
        if turns_gradient(program, shapes, i):
            most = max(most, math.prod(shapes[operands[1]]))
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
        Where the weight in bfloat16 or transposed, or the product without the zeros of data, is in the memory of the
        forward pass;
        of products in bfloat16 where weight, data and the gradient of the result are in that of the backward pass; or
        -1; then whether the zeros of data may be left out, and whether the weight is transposed, and its gradient.
    scratch, forward_scratch : int
    """
    found = []
    for i, (kind, operands, options) in enumerate(program.instructions):
        ways = [of(program, shapes, i) for of in (may_leave_out_zeros, turns_weight, turns_gradient)]
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
