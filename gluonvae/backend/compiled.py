"""Operators that are compiled programs, in the place of several of MXNet's.

They are used where :mod:`gluonvae.backend.regions.availability` says so. Elsewhere the callers use MXNet's operators.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from .regions.program import Instruction, Program
from .regions.programs import NAME
from .runtime import mx
from .types import Tensor


class Layer(NamedTuple):
    """A dense layer of :func:`dense`."""

    weight: Tensor
    """``(units, in_units)``."""
    bias: Tensor
    """``(units,)``."""
    units: int
    activation: str
    """One of :data:`gluonvae.backend.regions.kinds.ACTIVATIONS`."""
    precision: str = "float32"
    """In which products are taken: "float32" or "bfloat16", of rounded operands and added up in float32."""


def dense(x: Tensor, layers: Sequence[Layer]) -> Tensor:
    """Apply dense layers one after another.

    Parameters
    ----------
    x : Tensor
        ``(..., in_units)``, float32.
    layers : Sequence[Layer]
        At least one.

    Returns
    -------
    Tensor
        ``(..., units)``, of the last layer.
    """
    tensors = [tensor for layer in layers for tensor in layer[:2]]
    return run(_dense(tuple(layer[2:] for layer in layers)), x, *tensors)[0]


@functools.cache
def _dense(layers: tuple[tuple[int, str, str], ...]) -> str:
    inputs = 1 + 2 * len(layers)
    # a layer takes what the one before it has made
    of_layers = [0, *range(inputs, inputs + len(layers) - 1)]
    made = [
        Instruction("dense", (x, 1 + 2 * i, 2 + 2 * i), dict(zip(("units", "activation", "precision"), options)))
        for i, (x, options) in enumerate(zip(of_layers, layers))
    ]
    return Program(inputs, tuple(made), (inputs + len(layers) - 1,)).encoded()


class Convolution(NamedTuple):
    """A layer of :func:`convolutions`."""

    weight: Tensor
    """``(units, C, *kernel)``; of a transposed convolution ``(C, units, *kernel)``."""
    bias: Optional[Tensor]
    """``(units,)``."""
    units: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    extra: Optional[tuple[int, int]]
    """Of a transposed convolution, rows and columns that are added to its output; None for any other."""
    activation: str
    """One of :data:`gluonvae.backend.regions.kinds.ACTIVATIONS`."""


def convolutions(x: Tensor, layers: Sequence[Convolution]) -> Tensor:
    """Apply convolutions one after another.

    Parameters
    ----------
    x : Tensor
        ``(N, C, H, W)``, float32.
    layers : Sequence[Convolution]
        At least one.

    Returns
    -------
    Tensor
        ``(N, units, H', W')``, of the last layer.
    """
    tensors = [tensor for layer in layers for tensor in layer[:2] if tensor is not None]
    return run(_convolutions(tuple((layer.bias is not None, *layer[2:]) for layer in layers)), x, *tensors)[0]


@functools.cache
def _convolutions(layers: tuple[tuple[Any, ...], ...]) -> str:
    inputs = 1 + len(layers) + sum(layer[0] for layer in layers)
    made, used = [Instruction("channels_last", (0,), {})], 1
    for has_bias, units, kernel, stride, padding, extra, activation in layers:
        options = {"units": units, "kernel": kernel, "stride": stride, "padding": padding, "activation": activation}
        kind = "convolution" if extra is None else "transposed_convolution"
        operands = (inputs + len(made) - 1, *range(used, used + 1 + has_bias))
        made.append(Instruction(kind, operands, options if extra is None else {**options, "extra": extra}))
        used += 1 + has_bias
    made.append(Instruction("channels_first", (inputs + len(made) - 1,), {}))
    return Program(inputs, tuple(made), (inputs + len(made) - 1,)).encoded()


def product(x: Tensor, y: Tensor) -> Tensor:
    """Multiply tensors of one shape."""
    return run(single("product", 2), x, y)[0]


def softplus(x: Tensor, floor: float) -> Tensor:
    """Compute log(1 + exp(x)) + floor, of any shape."""
    return run(single("softplus", 1, floor=floor), x)[0]


def log_mean_exp(x: Tensor) -> Tensor:
    """Compute log(mean(exp(x))) over the first axis."""
    return run(single("log_mean_exp", 1), x)[0]


def repeat(row: Tensor, like: Tensor) -> Tensor:
    """Repeat a row, ``(D,)`` or one number ``(1,)``, for each of those of a tensor ``(..., D)``."""
    return run(single("repeated", 2), row, like)[0]


def fill(like: Tensor, value: float) -> Tensor:
    """Return a tensor of a shape that has one value everywhere."""
    return run(single("filled", 1, value=value), like)[0]


def normal_draw_and_kl(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Draw from diagonal Gaussians, and compute their divergence from a standard normal.

    Parameters
    ----------
    mean, std : Tensor
        ``(B, D)``, both.
    noise : Tensor
        ``(B, D)`` or ``(k, B, D)``.

    Returns
    -------
    draw : Tensor
        ``mean + std * noise``.
    kl : Tensor
        KL(N(mean, std**2) || N(0, 1)), ``(B,)``, in nats.
    """
    draw, kl = run(_normal("normal_kl", (0, 1)), mean, std, noise)
    return draw, kl


def normal_draw_and_log_prob(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Draw from diagonal Gaussians, and compute the log density of the draws.

    Parameters
    ----------
    mean, std, noise
        See :func:`normal_draw_and_kl`.

    Returns
    -------
    draw : Tensor
        ``mean + std * noise``.
    log_prob : Tensor
        ``(B,)`` or ``(k, B)``, in nats.
    """
    draw, log_prob = run(_normal("normal_log_prob", (2, 1)), mean, std, noise)
    return draw, log_prob


def standard_normal_log_prob(value: Tensor) -> Tensor:
    """Compute the log density of standard normal variables.

    Parameters
    ----------
    value : Tensor
        ``(..., D)``.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return run(single("standard_normal", 1), value)[0]


@functools.cache
def single(kind: str, inputs: int, **options: Any) -> str:
    """Return the program of one instruction."""
    return Program(inputs, (Instruction(kind, tuple(range(inputs)), options),), (inputs,)).encoded()


@functools.cache
def _normal(second: str, operands: tuple[int, ...]) -> str:
    made = Instruction("normal_draw", (0, 1, 2), {}), Instruction(second, operands, {})
    return Program(3, made, (3, 4)).encoded()


def run(program: str, *tensors: Any) -> Sequence[Tensor]:
    """Return the outputs of a program; those of a Symbol, and of one NDArray, are indexed likewise."""
    F = mx.sym if isinstance(tensors[0], mx.sym.Symbol) else mx.nd
    results: Any = F.Custom(*tensors, op_type=NAME, program=program)
    count = len(Program.decoded(program).outputs)
    return [results[i] for i in range(count)] if isinstance(results, (list, mx.sym.Symbol)) else [results]
