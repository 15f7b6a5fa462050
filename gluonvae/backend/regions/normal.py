"""A draw from diagonal Gaussians, with its log density or the divergence from a standard normal."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .operator import Options, Plan, Region, Shape, register, rows_of, team

NAME = "gluonvae_normal"
KINDS = ("kl", "log_prob")
"""What the second output is: KL(q || N(0, 1)) of each row of parameters, or log q of each draw."""


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    mean, std, noise = given
    known = mean or std
    second = known if options["second"] == "kl" else noise
    return [known, known, noise], [noise, second[:-1]]


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    mean, _, noise = shapes
    rows, draws, kind = rows_of(mean), rows_of(noise), KINDS.index(options["second"])
    if draws % rows or mean[-1] != noise[-1]:
        raise ValueError(f"noise of shape {noise} does not fit a mean of shape {mean}")
    useful = team(rows, math.prod(noise))
    return Plan([rows, mean[-1], draws, kind], useful, useful)


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import normal

    return normal.addresses(dtype)


register(
    Region(
        NAME,
        lambda _: ["mean", "std", "noise"],
        lambda _: ["output", "second"],
        _shapes,
        _plan,
        _bodies,
    )
)
