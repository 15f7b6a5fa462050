"""Quantiles of distributions of counts, computed by SciPy in an operator that graphs can contain.

SciPy runs on the CPU: on a GPU the parameters and the noise are copied there, and the quantiles back. The operator is
meant for drawing samples, not for training, and has no gradient.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from ..backend.operators import as_numpy, namespace, stop_gradient
from ..backend.runtime import mx
from ..backend.types import Context, Tensor

Tensors = Sequence[Tensor]
Shapes = Sequence[Sequence[int]]


def _poisson(noise: np.ndarray, rate: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.poisson.ppf(noise, rate)


def _negative_binomial(noise: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.nbinom.ppf(noise, dispersion, dispersion / (dispersion + mean))


FAMILIES: dict[str, Callable[..., np.ndarray]] = {"poisson": _poisson, "negative_binomial": _negative_binomial}
"""The quantile function of each family."""


def quantile(family: str, noise: Tensor, *parameters: Tensor) -> Tensor:
    """Compute quantiles of counts: the smallest whose cumulative probability is at least the noise.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`.
    noise : Tensor
        Uniform in [0, 1), of any shape.
    *parameters : Tensor
        Parameters of the family, of shapes that broadcast with that of the noise.

    Returns
    -------
    Tensor
        Of the shape that noise and parameters broadcast to. No gradient flows through it.
    """
    F = namespace(noise)
    return stop_gradient(F.Custom(noise, *parameters, family=family, op_type="gluonvae_quantile"))


class _Quantile(mx.operator.CustomOp):
    """The operator: it copies its inputs to NumPy arrays and back."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self.function = FAMILIES[family]

    def forward(self, is_train: bool, req: list[str], in_data: Tensors, out_data: Tensors, aux: Tensors) -> None:
        arrays = [as_numpy(tensor).astype(np.float64) for tensor in in_data]
        # SciPy's quantile of exactly 0 is -1
        counts = np.maximum(self.function(*arrays), 0)
        self.assign(out_data[0], req[0], mx.nd.array(counts, out_data[0].context, out_data[0].dtype))

    def backward(
        self, req: list[str], out_grad: Tensors, in_data: Tensors, out_data: Tensors, in_grad: Tensors, aux: Tensors
    ) -> None:
        for place, gradient in enumerate(in_grad):
            self.assign(gradient, req[place], 0)


@mx.operator.register("gluonvae_quantile")
class _QuantileProp(mx.operator.CustomOpProp):
    """The properties of the operator, by which MXNet adds it to a graph."""

    def __init__(self, family: str) -> None:
        super().__init__(need_top_grad=False)
        self.family = family

    def list_arguments(self) -> list[str]:
        return list(inspect.signature(FAMILIES[self.family]).parameters)

    def infer_shape(self, in_shape: Shapes) -> tuple[Shapes, Shapes, Shapes]:
        return in_shape, [list(np.broadcast_shapes(*map(tuple, in_shape)))], []

    def create_operator(self, ctx: Context, shapes: Shapes, dtypes: list[type]) -> _Quantile:
        return _Quantile(self.family)
