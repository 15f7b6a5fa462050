"""The log mass of a product of Bernoulli distributions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .operator import Options, Plan, Region, Shape, register, rows_of, team

NAME = "gluonvae_bernoulli"


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    logits, value = given
    return [logits, value or logits], [logits[:-1]]


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    logits, value = shapes
    if logits[len(logits) - len(value) :] != value:
        raise ValueError(f"a value of shape {value} does not fit logits of shape {logits}")
    useful = team(rows_of(logits), math.prod(logits))
    return Plan([rows_of(logits), logits[-1], rows_of(value)], useful, useful)


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import bernoulli

    return bernoulli.addresses(dtype)


register(Region(NAME, lambda _: ["logits", "value"], lambda _: ["output"], _shapes, _plan, _bodies))
