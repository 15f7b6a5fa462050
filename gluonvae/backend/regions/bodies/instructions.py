"""What instructions do to rows ``first`` to ``end``, forward and backward.

A backward pass adds to the gradient of an operand or writes it, as ``mode`` says; the gradient of the result is
complete when it begins. ``part`` tells which operands are at hand, see :mod:`gluonvae.backend.regions.layout`.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any, NamedTuple

from numba import types

from ..layout import OF_PARAMETERS, PREPARATION, RESULT
from . import averages, elementwise, gaussians, images, layers, masses, mixtures
from .native import compile_callback, compiled, pointer_to


@compiled
def nothing(*arguments):
    """What a kind does that has no such function."""


class Body(NamedTuple):
    """The compiled functions of a kind of instruction."""

    forward: Any
    """Computes rows of the result."""
    backward: Any
    """Computes rows of the gradients of operands."""
    parameters: Any = nothing
    """Computes a thread's part of the gradients of parameters, of all rows."""
    prepare: Any = nothing
    """Computes what a thread needs of the parameters in both passes."""


BODIES = {
    "dense": Body(layers.dense, layers.dense_back, layers.dense_parameters),
    "softplus": Body(elementwise.softplus, elementwise.softplus_back),
    "normal_draw": Body(gaussians.normal_draw, gaussians.normal_draw_back),
    "normal_kl": Body(gaussians.normal_kl, gaussians.normal_kl_back),
    "normal_log_prob": Body(gaussians.normal_log_prob, gaussians.normal_log_prob_back),
    "standard_normal": Body(gaussians.standard_normal, gaussians.standard_normal_back),
    "log_mean_exp": Body(averages.log_mean_exp, averages.log_mean_exp_back),
    "convolution": Body(
        images.convolution, images.convolution_back, images.convolution_parameters, images.pack_convolution
    ),
    "transposed_convolution": Body(
        images.transposed, images.transposed_back, images.transposed_parameters, images.pack_transposed
    ),
    "channels_last": Body(images.channels_last, images.channels_last_back),
    "channels_first": Body(images.channels_first, images.channels_first_back),
    "product": Body(elementwise.product, elementwise.product_back),
    "repeated": Body(elementwise.repeated, nothing, elementwise.repeated_parameters),
    "filled": Body(elementwise.filled, nothing),
    "bernoulli": Body(masses.bernoulli, masses.bernoulli_back),
    "continuous_bernoulli": Body(masses.continuous_bernoulli, masses.continuous_bernoulli_back),
    "normal": Body(masses.normal, masses.normal_back),
    "laplace": Body(masses.laplace, masses.laplace_back),
    "discretized_logistic": Body(masses.discretized_logistic, masses.discretized_logistic_back),
    "discretized_logistic_mixture": Body(
        mixtures.discretized_logistic_mixture, mixtures.discretized_logistic_mixture_back
    ),
    "categorical": Body(masses.categorical, masses.categorical_back),
}
"""Those of all kinds."""


forward = backward = parameters = prepare = nothing  # in whose place a kind has its own


def _run(instruction, view, first, end, part, like):
    if part == RESULT:
        forward(instruction, view, first, end, like)
    elif part == PREPARATION:
        prepare(instruction, view, like)
    elif part == OF_PARAMETERS:
        parameters(instruction, view, first, end, like)
    else:
        backward(instruction, view, first, end, part, like)


@functools.cache
def body(kind: str, dtype: Any) -> int:
    """Compile what a kind of instruction does, and return its address: only kinds that are used take time."""
    function = FunctionType(_run.__code__, {**globals(), **BODIES[kind]._asdict()})
    function.__qualname__ = kind
    return compile_callback(function, types.void, *[types.int64] * 5, pointer_to(dtype))
