"""softplus(x) + floor, of any shape."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .operator import Options, Plan, Region, Shape, register, team

NAME = "gluonvae_softplus"


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    return given, given


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    count = math.prod(shapes[0])
    useful = team(count, count)
    floor = round(float(options["floor"]) * 1e18)
    return Plan([count, floor], useful, useful)


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import softplus

    return softplus.addresses(dtype)


register(Region(NAME, lambda _: ["data"], lambda _: ["output"], _shapes, _plan, _bodies))
