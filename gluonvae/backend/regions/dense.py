"""Dense layers one after another: each thread takes its rows through all of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .operator import SMALLEST, Options, Plan, Region, Shape, register, rows_of

ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu", "softrelu", "softsign", "leakyrelu", "elu", "selu")
"""The activations that a layer may end with."""

NAME = "gluonvae_dense"


def _sizes(options: Options) -> list[int]:
    return [int(units) for units in options["units"].split(",")]


def _arguments(options: Options) -> Sequence[str]:
    layers = range(len(_sizes(options)))
    return ["data", *(name for i in layers for name in (f"weight{i}", f"bias{i}"))]


def _outputs(options: Options) -> Sequence[str]:
    """The output, and that of each layer before the last, which the backward pass reads."""
    return ["output", *(f"hidden{i}" for i in range(len(_sizes(options)) - 1))]


def _shapes(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Sequence[Shape]]:
    data, units = given[0], _sizes(options)
    if not data:
        return given, [()] * len(units)
    *leading, width = data
    widths = [width, *units[:-1]]
    layers = [shape for unit, known in zip(units, widths) for shape in ((unit, known), (unit,))]
    outputs = [(*leading, unit) for unit in units]
    return [data, *layers], [outputs[-1], *outputs[:-1]]


def _plan(options: Options, shapes: Sequence[Shape]) -> Plan:
    units, rows, width = _sizes(options), rows_of(shapes[0]), shapes[0][-1]
    kinds = [ACTIVATIONS.index(name) for name in options["activations"].split(",")]
    products = sum(rows * a * b for a, b in zip([width, *units], units))
    of_rows = max(rows // SMALLEST, 1)
    # a team of two is worth its waiting from some 10 µs on
    by_work = max(products // 500_000, 1)
    return Plan(
        [len(units), rows, width, *units, *kinds],
        forward_team=min(of_rows, by_work),
        backward_team=min(max(of_rows, max(units) // SMALLEST), by_work),
        scratch=rows * sum(units),
    )


@functools.cache
def _bodies(dtype: Any) -> Sequence[int]:
    from .bodies import dense

    if dtype != np.float32:
        raise TypeError("oneDNN's product is of float32")
    return dense.addresses()


register(Region(NAME, _arguments, _outputs, _shapes, _plan, _bodies, gradients=1))
