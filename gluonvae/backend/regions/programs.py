"""The operator of MXNet's that programs are, as ``F.Custom(..., op_type=NAME, program=text)``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from .kinds import Shape
from .layout import Layout
from .operator import Plan, Region, register
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
    """Compile the forward and the backward body for a dtype, and return their addresses.

    What instructions do is compiled where one is first used.
    """
    from .bodies import program as compiled

    return compiled.addresses(dtype)


def _count_of_gradients(options: Any) -> int:
    return len(_decoded(options["program"]).outputs)


@functools.cache
def _plan(text: str, shapes: tuple[Shape, ...], dtype: Any) -> Plan:
    from .bodies.instructions import body

    return Layout(_decoded(text), shapes).plan(lambda kind: body(kind, dtype))


register(
    Region(
        NAME,
        _arguments,
        _outputs,
        _shapes,
        lambda options, shapes, dtype: _plan(options["program"], tuple(shapes), dtype),
        bodies,
        _count_of_gradients,
    )
)
