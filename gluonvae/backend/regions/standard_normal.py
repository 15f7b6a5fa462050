"""The log density of standard normal variables, summed over the last axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .operator import Options, Plan, Region, Shape, register, rows_of, team

NAME = "gluonvae_standard_normal"


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    return given, [given[0][:-1]]


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    useful = team(rows_of(shapes[0]), math.prod(shapes[0]) // 4)
    return Plan([rows_of(shapes[0]), shapes[0][-1]], useful, useful)


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import standard_normal

    return standard_normal.addresses(dtype)


register(Region(NAME, lambda _: ["value"], lambda _: ["output"], _shapes, _plan, _bodies))
