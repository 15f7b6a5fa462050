"""Quantiles that MXNet has no operator for, by SciPy on the CPU, as operators of a graph.

On a GPU parameters and noise are copied to the CPU and the quantiles back: they are for drawing samples,
not for training, and have no gradient.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..backend.operators import Tensor, as_numpy, namespace, stop_gradient
from ..backend.runtime import mx


def _poisson(noise: np.ndarray, rate: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.poisson.ppf(noise, rate)


def _negative_binomial(noise: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.nbinom.ppf(noise, dispersion, dispersion / (dispersion + mean))


FAMILIES: dict[str, tuple[Callable[..., np.ndarray], list[str]]] = {
    "poisson": (_poisson, ["noise", "rate"]),
    "negative_binomial": (_negative_binomial, ["noise", "mean", "dispersion"]),
}
"""Each family's quantile function, and the names of its arguments."""


def quantile(family: str, noise: Tensor, *parameters: Tensor) -> Tensor:
    """The smallest counts whose cumulative probability is ``noise`` or more, of the shape that noise and
    ``parameters`` broadcast to; ``family`` is one of :data:`FAMILIES`."""
    F = namespace(noise)
    return stop_gradient(F.Custom(noise, *parameters, family=family, op_type="gluonvae_quantile"))


class _Quantile(mx.operator.CustomOp):
    def __init__(self, family: str) -> None:
        super().__init__()
        self.function = FAMILIES[family][0]

    def forward(self, is_train: bool, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        arrays = [as_numpy(tensor).astype(np.float64) for tensor in in_data]
        # SciPy's quantile of exactly 0 is -1
        counts = np.maximum(self.function(*arrays), 0)
        self.assign(out_data[0], req[0], mx.nd.array(counts, out_data[0].context, out_data[0].dtype))

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:
        for place, gradient in enumerate(in_grad):
            self.assign(gradient, req[place], 0)


@mx.operator.register("gluonvae_quantile")
class _QuantileProp(mx.operator.CustomOpProp):
    """What MXNet asks of an operator before it runs it."""

    def __init__(self, family: str) -> None:
        super().__init__(need_top_grad=False)
        self.family = family

    def list_arguments(self) -> list[str]:
        return FAMILIES[self.family][1]

    def infer_shape(self, in_shape: Any) -> tuple[Any, Any, Any]:
        return in_shape, [list(np.broadcast_shapes(*map(tuple, in_shape)))], []

    def create_operator(self, ctx: Any, shapes: Any, dtypes: Any) -> Any:
        return _Quantile(self.family)
