"""Operators that are one compiled loop over memory, in the place of several of MXNet's.

They are used if MXNet runs on the naive engine, which is the default on a CPU, and numba compiles. Otherwise
the callers use MXNet's operators.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Callable

from .memory import VIEWED, address, view
from .operators import is_symbol, namespace, stop_gradient
from .runtime import engine_is_naive, mx
from .types import Context, DType, Tensor

Shapes = Sequence[Sequence[int]]
Tensors = Sequence[Tensor]
Kinds = Sequence[str]
"""How each result is to be written, in MXNet's words: "null", "write", "inplace" or "add"."""


@functools.cache
def available() -> bool:
    """Return whether the compiled operators are used.

    They are not under MXNet's threaded engine, where custom operators run in a thread of their own and compete
    with MXNet's for cores, nor if there is a GPU, as a graph may be traced before its device is known.

    Returns
    -------
    bool
        The same for the whole process.
    """
    return engine_is_naive() and mx.context.num_gpus() == 0 and loops_compile()


@functools.cache
def loops_compile() -> bool:
    """Return whether numba can be imported, and compiles: with ``NUMBA_DISABLE_JIT=1`` it does not."""
    try:
        from numba import config
    except ImportError:
        return False
    return not config.DISABLE_JIT  # type: ignore[attr-defined,unused-ignore]


def bernoulli_log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """Compute the log mass of a product of Bernoulli distributions.

    Parameters
    ----------
    logits : Tensor
        ``(..., B, X)``.
    value : Tensor
        Zeros and ones, ``(B, X)``. No gradient flows to them.

    Returns
    -------
    Tensor
        log p(value | logits), ``(..., B)``, in nats.

    Raises
    ------
    ValueError
        If the shape of ``value`` does not fit.
    """
    F = namespace(logits)
    if not is_symbol(logits):
        wanted = logits.shape[max(0, logits.ndim - value.ndim) :]
        if value.shape != wanted:
            raise ValueError(f"value must have shape {wanted}, got {value.shape}")
    return F.Custom(logits, stop_gradient(value), op_type="gluonvae_bernoulli_log_prob")


class _BernoulliLogProb(mx.operator.CustomOp):
    """The operator, a loop in float32 or float64; bfloat16 is converted to float32."""

    def __init__(self, shape: Sequence[int], batch: int) -> None:
        super().__init__()
        rows, pixels = math.prod(shape[:-1]), shape[-1]
        self.shapes = [(rows, pixels), (batch, pixels), (rows,)]

    def forward(self, is_train: bool, req: Kinds, in_data: Tensors, out_data: Tensors, aux: object) -> None:
        from .loops import bernoulli

        self._run(bernoulli.log_prob, in_data, self.shapes, out_data[0], req[0])

    def backward(
        self, req: Kinds, out_grad: Tensors, in_data: Tensors, out_data: Tensors, in_grad: Tensors, aux: object
    ) -> None:
        from .loops import bernoulli

        self._run(bernoulli.gradient, [*in_data, *out_grad], [*self.shapes, self.shapes[0]], in_grad[0], req[0])
        self.assign(in_grad[1], req[1], 0)

    def _run(self, loop: Callable[..., None], inputs: Tensors, shapes: Shapes, output: Tensor, req: str) -> None:
        """Call ``loop(*inputs, output)`` with arrays of these shapes, the last that of the output."""
        if req == "null":
            return
        direct = req != "add" and output.dtype in VIEWED
        wide = [tensor if tensor.dtype in VIEWED else mx.nd.amp_cast(tensor, dtype="float32") for tensor in inputs]
        to = output if direct else mx.nd.empty(output.shape, dtype=wide[0].dtype)
        loop(*(view(address(tensor), tensor.dtype, shape) for tensor, shape in zip((*wide, to), shapes)))
        if not direct:
            self.assign(output, req, mx.nd.amp_cast(to, dtype=output.dtype))


@mx.operator.register("gluonvae_bernoulli_log_prob")
class _BernoulliLogProbProp(mx.operator.CustomOpProp):
    """Signature of the operator, in the form in which MXNet registers it."""

    def list_arguments(self) -> list[str]:
        return ["logits", "value"]

    def infer_shape(self, in_shape: Shapes) -> tuple[Shapes, Shapes, Shapes]:
        logits, value = in_shape
        if list(logits[-len(value) :]) != list(value):
            raise ValueError(f"value of shape {tuple(value)} does not fit logits of shape {tuple(logits)}")
        return in_shape, [logits[:-1]], []

    def create_operator(self, ctx: Context, shapes: Shapes, dtypes: Sequence[DType]) -> _BernoulliLogProb:
        return _BernoulliLogProb(shapes[0], math.prod(shapes[1][:-1]))
