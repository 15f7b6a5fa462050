"""Bodies of networks: what maps data, or a latent state, to features."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Callable, ClassVar, Optional, Union

import numpy as np

from . import checks
from .ops import BFLOAT16, Tensor
from .runtime import bfloat16_in_hardware, mx

nn = mx.gluon.nn

_log = logging.getLogger(__name__)

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


class Dense(mx.gluon.nn.Dense):
    """Gluon's, over the last axis. The product may be taken in a lower precision than that of what
    goes in and comes out, see :meth:`XavierBlock.mixed_precision`."""

    def __init__(self, units: int, in_units: int = 0, prefix: Optional[str] = None) -> None:
        super().__init__(units, flatten=False, in_units=in_units, prefix=prefix)
        self.precision: Any = None

    def hybrid_forward(self, F: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if self.precision is None:
            return super().hybrid_forward(F, x, weight, bias)
        x, weight, bias = (F.amp_cast(tensor, dtype=self.precision) for tensor in (x, weight, bias))
        return F.amp_cast(super().hybrid_forward(F, x, weight, bias), dtype="float32")


PRECISIONS: dict[str, Any] = {"float32": None, "bfloat16": BFLOAT16, "float16": np.dtype("float16")}
"""What matrix products may be taken in, by name."""


def _precision(name: str, ctx: Any) -> Any:
    """The dtype called ``name``. Raises ValueError where MXNet has no product of it on the device."""
    dtype = PRECISIONS[checks.known_name("precision", name, PRECISIONS)]
    if dtype is None:
        return None
    try:
        one = mx.nd.ones((1, 1), ctx).astype(dtype)
        mx.nd.FullyConnected(one, one, num_hidden=1, no_bias=True).wait_to_read()
    except mx.base.MXNetError as error:
        raise ValueError(f"MXNet has no {name} matrix product on {ctx} here: use float32") from error
    if name == "bfloat16" and ctx.device_type == "cpu" and not bfloat16_in_hardware():
        _log.warning("this CPU has no bfloat16 instructions: its products will be slower than in float32")
    return dtype


class XavierOrUniform(mx.init.Xavier):
    """Xavier (Glorot and Bengio 2010) for matrices; Gluon's default for vectors, which it refuses."""

    def _init_weight(self, name: Any, array: Any) -> None:
        if array.ndim < 2:
            mx.init.Uniform()._init_weight(name, array)
        else:
            super()._init_weight(name, array)


class XavierBlock(mx.gluon.HybridBlock):
    """A HybridBlock that Xavier initialises unless another initialiser is named.

    With Gluon's default, uniform in ±0.07 whatever the width, the tutorial's model ends 3 to 5
    nats lower on ``digits`` (benchmarks/README.md). ``block.collect_params().initialize()`` is
    Gluon's own and knows nothing of this.
    """

    def initialize(self, init: Any = None, ctx: Any = None, verbose: bool = False, force_reinit: bool = False) -> None:
        """Gluon's own, with :class:`XavierOrUniform` where ``init`` is left out."""
        super().initialize(init or XavierOrUniform(), ctx, verbose, force_reinit)

    def mixed_precision(self, precision: str) -> None:
        """Take the matrix products of every :class:`Dense` layer in "bfloat16" (a CPU with AVX-512, or
        a GPU) or "float16" (a GPU); "float32" undoes it.

        Parameters, activations, sums and what is returned stay float32 (Micikevicius et al. 2018).
        As with ``hybridize``, call it on the outermost block that you call: graphs above it are
        those traced before. Raises ValueError for a precision that the device has no product of, and
        TypeError for a model that was cast to another dtype.
        """
        parameters = list(self.collect_params().values())
        if any(np.dtype(parameter.dtype) != np.float32 for parameter in parameters):
            raise TypeError("mixed precision is for a float32 model: vae.cast('float32') first")
        ready = parameters and parameters[0]._data is not None
        dtype = _precision(precision, parameters[0].list_ctx()[0] if ready else mx.current_context())

        def switch(block: Any) -> None:
            if isinstance(block, Dense):
                block.precision = dtype
            if isinstance(block, mx.gluon.HybridBlock):
                block._clear_cached_op()

        self.apply(switch)


FLOATS = [BFLOAT16, *(np.dtype(name) for name in ("float16", "float32", "float64"))]


class ModelBlock(XavierBlock):
    """A block that knows the dtype it computes in, so that its input can be checked."""

    bears_bfloat16: ClassVar[bool] = True
    """Whether eight binary digits are enough for what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.dtype: Any = "float32"

    def cast(self, dtype: Any) -> None:
        """Compute in another dtype, :data:`gluonvae.ops.BFLOAT16`, float16 (on a GPU), float32 or
        float64: parameters, and what the block takes and returns. Raises TypeError for another."""
        if np.dtype(dtype) not in FLOATS:
            raise TypeError(f"a model's dtype must be float16, float32, float64 or BFLOAT16, got {np.dtype(dtype)}")
        self.check_bfloat16(dtype)
        super().cast(dtype)
        self.dtype = dtype

    def check_bfloat16(self, dtype: Any) -> None:
        """TypeError where ``dtype`` is bfloat16 and this is not for it."""
        if np.dtype(dtype) == BFLOAT16 and not self.bears_bfloat16:
            raise TypeError(
                f"bfloat16 has too few digits for {type(self).__name__}: leave the model in float32 and take its "
                "matrix products alone in bfloat16, vae.mixed_precision('bfloat16')"
            )


class MLP(mx.gluon.nn.HybridSequential):
    """Dense layers, each with its activation, over the last axis of ``(..., in_units)``.

    Parameters
    ----------
    sizes : width of each layer; none at all makes the identity.
    act_type : see :func:`activation`.
    in_units : width of the input; 0 leaves it to the first call, as in Gluon.
    prefix : what the names of its parameters begin with.
    """

    def __init__(
        self, sizes: Sequence[int], act_type: Activation, in_units: int = 0, prefix: Optional[str] = None
    ) -> None:
        super().__init__(prefix=prefix)
        make_activation = activation(act_type)
        with self.name_scope():
            for units in sizes:
                self.add(Dense(units, in_units), make_activation())
                in_units = units
        self.out_units = in_units
        """Width of the output; 0 where there is no layer and ``in_units`` was not given."""


def widest_layer(block: Any) -> int:
    """The most units that a dense layer in ``block`` has; 0 where there is none."""
    own = block._units if isinstance(block, nn.Dense) else 0
    return max((own, *map(widest_layer, block._children.values())))
