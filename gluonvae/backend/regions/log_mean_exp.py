"""log(mean(exp(x))) over the first axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .operator import Options, Plan, Region, Shape, register, team

NAME = "gluonvae_log_mean_exp"


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    return given, [given[0][1:]]


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    samples, *others = shapes[0]
    columns = math.prod(others)
    useful = team(columns // 16, samples * columns)
    return Plan([samples, columns], useful, useful)


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import log_mean_exp

    return log_mean_exp.addresses(dtype)


register(Region(NAME, lambda _: ["data"], lambda _: ["output"], _shapes, _plan, _bodies))
