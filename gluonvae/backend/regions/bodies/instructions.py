"""What instructions do: their functions, each compiled when a program has such an instruction.

Forward, rows ``first`` to ``end`` of the result are computed, and backward the gradients of operands: an instruction
adds to the gradient of an operand or writes it, as ``mode`` says; that of the result is complete when it begins.
``part`` tells which operands are at hand, see :mod:`gluonvae.backend.regions.layout`. The gradients of parameters are
computed afterwards, a part by each thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from . import masses
from .averages import log_mean_exp, log_mean_exp_back, mean, mean_back
from .bernoulli import bernoulli, bernoulli_back
from .elementwise import (
    filled,
    multiple,
    multiple_back,
    product,
    product_back,
    repeated,
    repeated_parameters,
    scaled,
    scaled_back,
    softplus,
    softplus_back,
    total,
    total_back,
)
from .gaussians import (
    normal_draw,
    normal_draw_back,
    normal_kl,
    normal_kl_back,
    normal_log_prob,
    normal_log_prob_back,
    standard_normal,
    standard_normal_back,
)
from .images import (
    channels_first,
    channels_first_back,
    channels_last,
    channels_last_back,
    convolution,
    convolution_back,
    convolution_parameters,
    pack,
    pack_transposed,
    transposed,
    transposed_back,
    transposed_parameters,
)
from .layers import dense, dense_back, dense_parameters, prepare_dense
from .mixtures import discretized_logistic_mixture, discretized_logistic_mixture_back
from .native import compile_body

Function = Callable[..., None]


class Functions(NamedTuple):
    """The functions of a kind. Each takes the addresses of the instruction and of the view, then numbers."""

    forward: Function
    """Of the first and the end of the rows."""
    backward: Optional[Function] = None
    """Of the same, and the part."""
    parameters: Optional[Function] = None
    """Of the thread and the number of threads."""
    prepare: Optional[Function] = None
    """Of the word that says where to, the thread and the number of threads."""


FUNCTIONS = {
    "dense": Functions(dense, dense_back, dense_parameters, prepare_dense),
    "softplus": Functions(softplus, softplus_back),
    "normal_draw": Functions(normal_draw, normal_draw_back),
    "normal_kl": Functions(normal_kl, normal_kl_back),
    "normal_log_prob": Functions(normal_log_prob, normal_log_prob_back),
    "standard_normal": Functions(standard_normal, standard_normal_back),
    "bernoulli": Functions(bernoulli, bernoulli_back),
    "log_mean_exp": Functions(log_mean_exp, log_mean_exp_back),
    "mean": Functions(mean, mean_back),
    "sum": Functions(total, total_back),
    "scaled": Functions(scaled, scaled_back),
    "multiple": Functions(multiple, multiple_back),
    "convolution": Functions(convolution, convolution_back, convolution_parameters, pack),
    "transposed_convolution": Functions(transposed, transposed_back, transposed_parameters, pack_transposed),
    "channels_last": Functions(channels_last, channels_last_back),
    "channels_first": Functions(channels_first, channels_first_back),
    "product": Functions(product, product_back),
    "normal": Functions(masses.normal, masses.normal_back),
    "laplace": Functions(masses.laplace, masses.laplace_back),
    "continuous_bernoulli": Functions(masses.continuous_bernoulli, masses.continuous_bernoulli_back),
    "discretized_logistic": Functions(masses.discretized_logistic, masses.discretized_logistic_back),
    "discretized_logistic_mixture": Functions(discretized_logistic_mixture, discretized_logistic_mixture_back),
    "categorical": Functions(masses.categorical, masses.categorical_back),
    "repeated": Functions(repeated, parameters=repeated_parameters),
    "filled": Functions(filled),
}
"""Those of all kinds, see :mod:`gluonvae.backend.regions.kinds`."""


def address(kind: str, name: str, dtype: Any) -> int:
    """Compile one of a kind's functions for a dtype, and return its address; 0 where it has none."""
    function = getattr(FUNCTIONS[kind], name)
    return compile_body(dtype, function) if function else 0
