"""Numerics for NDArrays and Symbols alike.

A Symbol has no shape, and its ``+ - * /`` do not broadcast: the functions use ``F.broadcast_*`` and negative axes.
"""

from __future__ import annotations

import math
from typing import Any, Union

import numpy as np

from . import compiled
from .regions.availability import available
from .runtime import mx
from .types import ArrayLike, Operators, Tensor

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""MXNet's representation of bfloat16, a dtype that NumPy does not have."""

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def as_numpy(values: Union[ArrayLike, float]) -> np.ndarray:
    """Convert to a NumPy array, bfloat16 to float32.

    Parameters
    ----------
    values : ArrayLike or float
        An NDArray, or what NumPy makes an array of.

    Returns
    -------
    np.ndarray
        The same values; the argument itself where it is a NumPy array. Of rows of unlike lengths it is an array of
        these as objects, whatever the version of NumPy.
    """
    if not isinstance(values, mx.nd.NDArray):
        try:
            return np.asarray(values)
        except ValueError:
            return _objects(values)
    return (values.astype("float32") if values.dtype == BFLOAT16 else values).asnumpy()


def _objects(rows: Any) -> np.ndarray:
    made = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        made[i] = row
    return made


def is_symbol(tensor: Tensor) -> bool:
    """Return whether a tensor is a Symbol, that is, whether a graph is being traced.

    Parameters
    ----------
    tensor : Tensor
        An NDArray or a Symbol.

    Returns
    -------
    bool
        False for an NDArray.
    """
    return isinstance(tensor, mx.sym.Symbol)


def namespace(tensor: Tensor) -> Operators:
    """Return the operators for a tensor, the F of ``hybrid_forward``.

    Parameters
    ----------
    tensor : Tensor
        An NDArray or a Symbol.

    Returns
    -------
    Operators
        ``mx.nd`` or ``mx.sym``.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if is_symbol(tensor):
        return mx.sym
    if isinstance(tensor, mx.nd.NDArray):
        return mx.nd
    raise TypeError(f"must be an mxnet NDArray or Symbol, got {type(tensor).__name__}: use mx.nd.array(...)")


def stop_gradient(x: Tensor) -> Tensor:
    """Return a tensor as a constant, through which no gradient flows.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        The same values.
    """
    # an NDArray is detached because BlockGrad propagates zeros to what x was computed from: where two such
    # gradients meet at a Dense layer, MXNet crashes outside of graphs
    return mx.sym.BlockGrad(x) if is_symbol(x) else x.detach()


def sum_last(x: Tensor) -> Tensor:
    """Compute the sum over the last axis.

    Errors of a float32 average out where the numbers differ; of many that are equal the sum is off by up to 4e-6 of
    it, and F.sum, which is slower, by a rounding.

    Parameters
    ----------
    x : Tensor
        ``(..., D)``.

    Returns
    -------
    Tensor
        ``(...)``.
    """
    # a product with a row of ones: F.sum is slow for images, and F.dot does not support bfloat16
    F = namespace(x)
    one_row = F.slice_axis(fold(stop_gradient(x)), axis=0, begin=0, end=1)
    return F.squeeze(F.FullyConnected(x, F.ones_like(one_row), num_hidden=1, no_bias=True, flatten=False), axis=-1)


def with_sample_axis(x: Tensor) -> Tensor:
    """Add an axis of samples where there is none, in graphs as well, where the number of axes is unknown.

    Parameters
    ----------
    x : Tensor
        ``(k, B, X)`` or ``(B, X)``.

    Returns
    -------
    Tensor
        ``(k, B, X)``, with k = 1 for ``(B, X)``.
    """
    return namespace(x).reshape(x, shape=(-1, 0, 0), reverse=True)


def fold(x: Tensor) -> Tensor:
    """Merge all axes but the last, for operators that support a single batch axis.

    Parameters
    ----------
    x : Tensor
        ``(..., D)``.

    Returns
    -------
    Tensor
        ``(N, D)``.
    """
    return namespace(x).reshape(x, shape=(-1, 0), reverse=True)


def unfold(rows: Tensor, like: Tensor) -> Tensor:
    """Restore the axes that :func:`fold` merged.

    Parameters
    ----------
    rows : Tensor
        ``(N, X)``.
    like : Tensor
        The tensor before :func:`fold`, ``(..., D)``.

    Returns
    -------
    Tensor
        ``(..., X)``.
    """
    return namespace(rows).reshape_like(rows, stop_gradient(like), lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=-1)


def softplus(x: Tensor, floor: float = 0.0) -> Tensor:
    """Compute log(1 + exp(x)) + floor accurately, with gradient 1/2 at 0.

    In float64 MXNet's own operators have an error of up to 2e-9 just above 20, that of softrelu.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    floor : float
        What is added.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    if available():
        return compiled.softplus(x, floor)
    # oneDNN's softrelu has errors of up to 2e-6, of either sign, below -14: 1e-3 nats over the dark pixels of an
    # image. It is exact for |x|, here as relu(x) + (relu(x) - x), which has the right gradient at 0
    F = namespace(x)
    positive = F.Activation(x, act_type="relu")
    negative = positive - x
    value = F.Activation(positive + negative, act_type="softrelu") - negative
    return value + floor if floor else value


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Compute the logarithm of the softmax accurately.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    axis : int
        The axis of the categories.

    Returns
    -------
    Tensor
        Of the same shape, the logarithms of numbers whose sum over the axis is 1.
    """
    # given a temperature, even 1, MXNet computes it by its own code. Without, oneDNN does, whose logarithm is off by
    # up to 3e-6, the same for every category: over 784 variables that is a bias of 2e-3 nats
    return namespace(x).log_softmax(x, axis=axis, temperature=1.0)


def clip(x: Tensor, low: float, high: float) -> Tensor:
    """Limit values to an interval; the gradient is 1 inside and 0 outside.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    low, high : float
        The interval.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    F = namespace(x)
    return F.clip(F.identity(x), low, high)  # see cumsum


def cumsum(x: Tensor, axis: int) -> Tensor:
    """Compute cumulative sums.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    axis : int
        The axis, not negative.

    Returns
    -------
    Tensor
        Of the same shape.
    """
    # MXNet's gradients of cumsum, clip, mean and flip overwrite what is there, or worse, where they should be added
    # to it, as for a parameter whose grad_req is "add". That of the identity adds
    F = namespace(x)
    return F.cumsum(F.identity(x), axis=axis)


def log_mean_exp(x: Tensor) -> Tensor:
    """Compute log(mean(exp(x))) over the first axis.

    Parameters
    ----------
    x : Tensor
        ``(k, ...)``.

    Returns
    -------
    Tensor
        ``(...)``.
    """
    if available():
        return compiled.log_mean_exp(x)
    return _log_of_exps(x, "mean", axis=0)


def log_sum_exp(x: Tensor, axis: int) -> Tensor:
    """Compute log(sum(exp(x))) over an axis.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    axis : int
        The axis, which is removed.

    Returns
    -------
    Tensor
        The shape of ``x`` without the axis.
    """
    return _log_of_exps(x, "sum", axis)


def _log_of_exps(x: Tensor, reduction: str, axis: int) -> Tensor:
    """Compute the logarithm of the sum or mean of exp(x), shifted by the maximum.

    Terms below exp(-50) times the largest are dropped. They are below the precision of every dtype, and their
    gradients would be subnormal numbers, with which a CPU is ten times slower.
    """
    F = namespace(x)
    top = stop_gradient(F.max(x, axis=axis, keepdims=True))
    below = F.broadcast_sub(x, top)
    terms = F.exp(below) * stop_gradient(below > -50)
    return F.log(getattr(F, reduction)(terms, axis=axis)) + F.squeeze(top, axis=axis)


def scale_gradient(x: Tensor, factor: Tensor) -> Tensor:
    """Return a tensor whose gradient is multiplied by a factor.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    factor : Tensor
        Broadcast to the shape of ``x``. No gradient flows to it.

    Returns
    -------
    Tensor
        The values of ``x``.
    """
    F = namespace(x)
    fixed = stop_gradient(x)
    return F.broadcast_mul(x - fixed, stop_gradient(factor)) + fixed
