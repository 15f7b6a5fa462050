"""Activations, by name."""

from __future__ import annotations

from typing import Any, Callable, Union

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx

nn = mx.gluon.nn

Activation = Union[str, Callable[[], Any]]
"""A name in :data:`ACTIVATIONS`, or something called without arguments that makes a block."""


class PReLU(mx.gluon.HybridBlock):
    """x where x > 0, alpha x elsewhere, with one learned alpha that starts at 0.25 (He et al. 2015).

    Gluon's own has a wrong gradient once hybridised: its input is overwritten by its output
    before the gradient of alpha is taken, which comes out multiplied by alpha.
    """

    def __init__(self) -> None:
        super().__init__()
        with self.name_scope():
            self.alpha = self.params.get("alpha", shape=(1,), init=mx.init.Constant(0.25))

    def hybrid_forward(self, F: Any, x: Tensor, alpha: Tensor) -> Tensor:
        return F.relu(x) - F.broadcast_mul(F.relu(-x), alpha)


def _elementwise(name: str) -> Callable[[], Any]:
    return lambda: nn.Activation(name)


ACTIVATIONS: dict[str, Callable[[], Any]] = {
    **{name: _elementwise(name) for name in ("relu", "sigmoid", "tanh", "softrelu", "softsign")},
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leakyrelu": lambda: nn.LeakyReLU(0.01),
    "prelu": PReLU,
    "selu": nn.SELU,
    "swish": nn.Swish,
}
"""Every activation that Gluon has, by name."""


def activation(act_type: Activation) -> Callable[[], Any]:
    """What makes a new activation block. Raises ValueError for a name that Gluon does not know."""
    if isinstance(act_type, mx.gluon.Block):
        raise TypeError(
            "act_type must be a name or a function that makes a block, as each layer has its own: "
            f"lambda: nn.{type(act_type).__name__}(...)"
        )
    if callable(act_type):
        return act_type
    return ACTIVATIONS[checks.known_name("act_type", act_type, ACTIVATIONS)]
