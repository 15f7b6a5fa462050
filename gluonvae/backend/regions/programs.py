"""The operator of MXNet's that programs are, as ``F.Custom(..., op_type=NAME, program=text)``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from .kinds import Shape
from .layout import Layout
from .operator import Options, Plan, Region, definition_of, register
from .program import Program

NAME = "gluonvae_program"
"""What MXNet calls it."""


@functools.cache
def _decoded(text: str) -> Program:
    return Program.decoded(text)


def _arguments(options: Any) -> Sequence[str]:
    return [f"input{i}" for i in range(_decoded(options["program"]).inputs)]


def _outputs(options: Any) -> Sequence[str]:
    program = _decoded(options["program"])
    return [*(f"output{i}" for i in range(len(program.outputs))), *(f"hidden{i}" for i in program.hidden)]


def _shapes(options: Any, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    program = _decoded(options["program"])
    shapes = program.shapes(given)
    return shapes[: program.inputs], [shapes[v] for v in (*program.outputs, *program.hidden)]


@functools.cache
def bodies(dtype: Any) -> Sequence[int]:
    """Compile the forward and the backward body for a dtype, and return their addresses."""
    from .bodies import program as compiled

    return compiled.addresses(dtype)


def outputs_of(options: Options) -> int:
    """Return how many outputs a program has."""
    return len(_decoded(options["program"]).outputs)


@functools.cache
def _address(dtype: Any, kind: str, name: str) -> int:
    from .bodies import instructions

    return instructions.address(kind, name, dtype)


@functools.cache
def _plan(text: str, shapes: tuple[Shape, ...], dtype: Any) -> Plan:
    return Layout(_decoded(text), shapes, functools.partial(_address, dtype)).plan()


_region = Region(
    NAME,
    _arguments,
    _outputs,
    _shapes,
    lambda options, shapes, dtype: _plan(options["program"], tuple(shapes), dtype),
    bodies,
    outputs_of,
)
register(_region)


def plan_of(options: Options, shapes: tuple[Shape, ...], dtype: int) -> tuple[Any, Sequence[Shape], Sequence[Shape]]:
    """Return how inputs of certain shapes, and of MXNet's number of a dtype, are computed.

    Returns
    -------
    plan : array of int
        Its words, which are kept.
    inputs, results : sequence of Shape
        The shapes that the inputs need to have, and those of the outputs and of what is hidden.

    Raises
    ------
    ValueError
        For inputs that do not fit each other.
    """
    definition = definition_of(_region, options)
    inputs, results = _shapes(definition.options, shapes)
    return definition.plan(shapes, dtype), inputs, results
