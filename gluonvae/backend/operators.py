"""F-dispatched numerics: each works on NDArrays and on Symbols alike.

Inside a graph a Symbol has no shape and ``+ - * /`` do not broadcast, so everything here is
written with ``F.broadcast_*`` and negative axes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .runtime import mx

Tensor = Any
"""An ``mx.nd.NDArray`` or an ``mx.sym.Symbol``."""

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""What MXNet calls bfloat16, which NumPy does not know."""

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def as_numpy(tensor: Any) -> np.ndarray:
    """The values of an NDArray; those of a bfloat16 one as float32."""
    return (tensor.astype("float32") if tensor.dtype == BFLOAT16 else tensor).asnumpy()


def is_symbol(tensor: Tensor) -> bool:
    return isinstance(tensor, mx.sym.Symbol)


def namespace(tensor: Tensor) -> Any:
    """``mx.sym`` for a Symbol, ``mx.nd`` for an NDArray: the F of a hybrid_forward.

    Raises TypeError for anything else.
    """
    if is_symbol(tensor):
        return mx.sym
    if isinstance(tensor, mx.nd.NDArray):
        return mx.nd
    raise TypeError(f"must be an mxnet NDArray or Symbol, got {type(tensor).__name__}: use mx.nd.array(...)")


def stop_gradient(x: Tensor) -> Tensor:
    """``x`` as a constant. Of an NDArray it is not BlockGrad: that sends zeros back through what ``x`` was
    made by, and where two of them meet at a Dense layer MXNet crashes; graphs bear it."""
    return mx.sym.BlockGrad(x) if is_symbol(x) else x.detach()


def sum_last(x: Tensor) -> Tensor:
    """The sum over the last axis, as a product with a row of ones: MXNet's own is slow over the
    pixels of an image, and ``dot`` knows no bfloat16."""
    F = namespace(x)
    one_row = F.slice_axis(fold(stop_gradient(x)), axis=0, begin=0, end=1)
    return F.squeeze(F.FullyConnected(x, F.ones_like(one_row), num_hidden=1, no_bias=True, flatten=False), axis=-1)


def with_sample_axis(x: Tensor) -> Tensor:
    """``(k, B, X)`` as it is, and ``(B, X)`` as ``(1, B, X)``: no graph knows which it has."""
    return namespace(x).reshape(x, shape=(-1, 0, 0), reverse=True)


def fold(x: Tensor) -> Tensor:
    """``(..., D)`` as rows, ``(N, D)``: for an operator that knows one axis of examples."""
    return namespace(x).reshape(x, shape=(-1, 0), reverse=True)


def unfold(rows: Tensor, like: Tensor) -> Tensor:
    """Rows ``(N, X)`` made of what :func:`fold` made of ``like``, ``(..., D)``: as ``(..., X)``."""
    return namespace(rows).reshape_like(rows, stop_gradient(like), lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=-1)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), never negative, to a few roundings; gradient 1/2 at 0.

    oneDNN's softrelu is fast, but below -14 off by up to 2e-6 and of either sign: 1e-3 nats over
    the dark pixels of an image. Of |x| it is exact; and relu(x) + (relu(x) - x) is |x| with the
    slope at 0 that the gradient there needs. In float64 MXNet's softrelu is off by 2e-9 just above 20.
    """
    F = namespace(x)
    positive = F.Activation(x, act_type="relu")
    negative = positive - x
    return F.Activation(positive + negative, act_type="softrelu") - negative


def log_mean_exp(x: Tensor) -> Tensor:
    """log(mean(exp(x))) over axis 0."""
    return _log_of_exps(x, "mean", axis=0)


def log_sum_exp(x: Tensor, axis: int) -> Tensor:
    """log(sum(exp(x))) over ``axis``."""
    return _log_of_exps(x, "sum", axis)


def _log_of_exps(x: Tensor, reduction: str, axis: int) -> Tensor:
    """The logarithm of the sum or mean of exp(x), shifted by the maximum.

    Terms below exp(-50) of the largest, which no dtype's sum can hold, count as 0: as they are,
    their gradients are subnormal numbers, at which a CPU is ten times slower.
    """
    F = namespace(x)
    top = stop_gradient(F.max(x, axis=axis, keepdims=True))
    below = F.broadcast_sub(x, top)
    terms = F.exp(below) * stop_gradient(below > -50)
    return F.log(getattr(F, reduction)(terms, axis=axis)) + F.squeeze(top, axis=axis)


def scale_gradient(x: Tensor, factor: Tensor) -> Tensor:
    """``x``, whose gradient is multiplied by ``factor``, of the same shape or broadcast to it; no
    gradient flows to ``factor``."""
    F = namespace(x)
    fixed = stop_gradient(x)
    return F.broadcast_mul(x - fixed, stop_gradient(factor)) + fixed
