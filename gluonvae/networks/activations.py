"""Activation functions by name."""

from __future__ import annotations

from functools import partial
from typing import Callable, Union

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor

nn = mx.gluon.nn

Activation = Union[str, Callable[[], Block]]
"""A name in :data:`gluonvae.networks.ACTIVATIONS`, or a function without arguments that returns a new block."""


class PReLU(GraphBlock):
    """Parametric ReLU: x where x > 0, alpha x elsewhere (He et al. 2015).

    The layer has a single learned alpha, which starts at 0.25. Input and output have the same shape,
    which is arbitrary.

    Notes
    -----
    ``gluon.nn.PReLU`` has a wrong gradient once it is hybridised: its output overwrites its input before
    the gradient of alpha is computed, which comes out multiplied by alpha.
    """

    def __init__(self) -> None:
        super().__init__()
        with self.name_scope():
            self.alpha = self.params.get("alpha", shape=(1,), init=mx.init.Constant(0.25))

    def hybrid_forward(self, F: Operators, x: Tensor, alpha: Tensor) -> Tensor:
        return F.relu(x) - F.broadcast_mul(F.relu(-x), alpha)


ACTIVATIONS: dict[str, Callable[[], Block]] = {
    **{name: partial(nn.Activation, name) for name in ("relu", "sigmoid", "tanh", "softrelu", "softsign")},
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leakyrelu": partial(nn.LeakyReLU, 0.01),
    "prelu": PReLU,
    "selu": nn.SELU,
    "swish": nn.Swish,
}
"""The activation functions of Gluon by name: functions without arguments that return a new block."""


def activation(act_type: Activation) -> Callable[[], Block]:
    """Look up an activation function.

    Parameters
    ----------
    act_type : str or callable
        A name in :data:`gluonvae.networks.ACTIVATIONS`, or a function without arguments that returns a new block.

    Returns
    -------
    callable
        Returns a new activation block at each call.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If ``act_type`` is a block: layers do not share their activation block.

    Examples
    --------
    >>> block = activation("tanh")()
    >>> block = activation(lambda: nn.LeakyReLU(0.2))()
    """
    if isinstance(act_type, mx.gluon.Block):
        kind = type(act_type).__name__
        raise TypeError(f"act_type must be a name or a function that makes a block, such as lambda: nn.{kind}(...)")
    if callable(act_type):
        return act_type
    return ACTIVATIONS[checks.known_name("act_type", act_type, ACTIVATIONS)]
