"""What every part of a model is: a block that is initialised well, and knows its dtype."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..backend.operators import BFLOAT16
from ..backend.runtime import mx
from .dense import Dense, product_dtype


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

        Parameters, activations, sums, convolutions and what is returned stay float32 (Micikevicius et al. 2018).
        As with ``hybridize``, call it on the outermost block that you call: graphs above it are
        those traced before. Raises ValueError for a precision that the device has no product of, and
        TypeError for a model that was cast to another dtype.
        """
        parameters = list(self.collect_params().values())
        if any(np.dtype(parameter.dtype) != np.float32 for parameter in parameters):
            raise TypeError("mixed precision is for a float32 model: vae.cast('float32') first")
        ready = parameters and parameters[0]._data is not None
        dtype = product_dtype(precision, parameters[0].list_ctx()[0] if ready else mx.current_context())

        def switch(block: Any) -> None:
            if isinstance(block, Dense):
                block.precision = dtype
            if isinstance(block, mx.gluon.HybridBlock):
                block._clear_cached_op()

        self.apply(switch)


def find(block: Any, kind: type) -> Any:
    """The first block of that kind in ``block``, itself included, or None."""
    if isinstance(block, kind):
        return block
    return next(filter(None, (find(child, kind) for child in block._children.values())), None)


FLOATS = [BFLOAT16, *(np.dtype(name) for name in ("float16", "float32", "float64"))]


class ModelBlock(XavierBlock):
    """A block that knows the dtype it computes in, so that its input can be checked."""

    bears_bfloat16: ClassVar[bool] = True
    """Whether eight binary digits are enough for what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.dtype: Any = "float32"

    def cast(self, dtype: Any) -> None:
        """Compute in another dtype, :data:`gluonvae.backend.operators.BFLOAT16`, float16 (on a GPU), float32 or
        float64: parameters, and what the block takes and returns. Raises TypeError for another."""
        if np.dtype(dtype) not in FLOATS:
            raise TypeError(f"a model's dtype must be float16, float32, float64 or BFLOAT16, got {np.dtype(dtype)}")
        self.check_bfloat16(dtype)
        super().cast(dtype)
        self.dtype = dtype

    def check_body(self, in_units: int) -> None:
        """ValueError, with the shapes, where a body that this was given does not bear rows of ``in_units``."""

    def check_bfloat16(self, dtype: Any) -> None:
        """TypeError where ``dtype`` is bfloat16 and this is not for it."""
        if np.dtype(dtype) != BFLOAT16:
            return
        instead = (
            "leave the model in float32 and take its matrix products alone in bfloat16, vae.mixed_precision('bfloat16')"
        )
        if not self.bears_bfloat16:
            raise TypeError(f"bfloat16 has too few digits for {type(self).__name__}: {instead}")
        if find(self, mx.gluon.nn.conv_layers._Conv):
            # they fail, or break MXNet's memory
            raise TypeError(f"MXNet has no convolutions in bfloat16: {instead}")
