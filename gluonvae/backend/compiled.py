"""Operators of a graph that are one compiled loop over memory, where MXNet would take many passes.

They are used where MXNet's engine is the naive one and numba is installed: on a CPU, unless the
user set it otherwise. Elsewhere the same is computed by MXNet's own operators.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Sequence
from typing import Any

from .. import checks
from .memory import KINDS, address, view
from .operators import Tensor, is_symbol, namespace, stop_gradient
from .runtime import engine_is_naive, mx


@functools.cache
def available() -> bool:
    """Whether graphs are made of compiled operators.

    Under MXNet's threaded engine an operator written in Python runs in a thread of its own, whose
    OpenMP threads come on top of MXNet's. A graph does not know on which device it will run, so where
    there is a GPU there are none.
    """
    return engine_is_naive() and mx.context.num_gpus() == 0 and importlib.util.find_spec("numba") is not None


class _CompiledOperator(mx.operator.CustomOp):
    """An operator that a kind of loop computes, given arrays of float32 or float64: of bfloat16 it
    gets copies in float32."""

    def run(self, loop: Any, inputs: Sequence[Any], shapes: Sequence[Any], output: Any, req: str) -> None:
        """``loop(*inputs, output)``, each as an array of the shape given, the last that of the output."""
        if req == "null":
            return
        direct = req != "add" and output.dtype in KINDS
        wide = [tensor if tensor.dtype in KINDS else mx.nd.amp_cast(tensor, dtype="float32") for tensor in inputs]
        to = output if direct else mx.nd.empty(output.shape, dtype=wide[0].dtype)
        loop(*(view(address(tensor), tensor.dtype, shape) for tensor, shape in zip((*wide, to), shapes)))
        if not direct:
            self.assign(output, req, mx.nd.amp_cast(to, dtype=output.dtype))


def bernoulli_log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """log p(value | logits), ``(..., B)`` for logits ``(..., B, X)`` and zeros and ones ``(B, X)``, in
    nats. No gradient flows to ``value``."""
    F = namespace(logits)
    if not is_symbol(logits):
        checks.shape("value", value, logits.shape[max(0, logits.ndim - value.ndim) :])
    return F.Custom(logits, stop_gradient(value), op_type="gluonvae_bernoulli_log_prob")


class _BernoulliLogProb(_CompiledOperator):
    def __init__(self, shape: Sequence[int], batch: int) -> None:
        super().__init__()
        rows, pixels = (math.prod(shape[:-1]),), shape[-1]
        self.shapes = [(*rows, pixels), (batch, pixels), rows]

    def forward(self, is_train: bool, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        from .loops import bernoulli

        self.run(bernoulli.log_prob, in_data, self.shapes, out_data[0], req[0])

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:
        from .loops import bernoulli

        shapes = [*self.shapes, self.shapes[0]]
        self.run(bernoulli.gradient, [*in_data, *out_grad], shapes, in_grad[0], req[0])
        self.assign(in_grad[1], req[1], 0)


@mx.operator.register("gluonvae_bernoulli_log_prob")
class _BernoulliLogProbProp(mx.operator.CustomOpProp):
    """What MXNet asks of an operator before it runs it."""

    def list_arguments(self) -> list[str]:
        return ["logits", "value"]

    def infer_shape(self, in_shape: Any) -> tuple[Any, Any, Any]:
        logits, value = in_shape
        if list(logits[-len(value) :]) != list(value):
            raise ValueError(f"value of shape {tuple(value)} does not fit logits of shape {tuple(logits)}")
        return in_shape, [logits[:-1]], []

    def create_operator(self, ctx: Any, shapes: Any, dtypes: Any) -> Any:
        return _BernoulliLogProb(shapes[0], math.prod(shapes[1][:-1]))

    def declare_backward_dependency(self, out_grad: Any, in_data: Any, out_data: Any) -> list[Any]:
        return [*out_grad, *in_data]
