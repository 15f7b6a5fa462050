"""Dense layers, and the precision that their products are taken in."""

from __future__ import annotations

import logging
from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.operators import BFLOAT16, Tensor
from ..backend.runtime import bfloat16_in_hardware, mx

_log = logging.getLogger(__name__)


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


def product_dtype(name: str, ctx: Any) -> Any:
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


def widest_layer(block: Any) -> int:
    """The most units that a dense layer in ``block`` has; 0 where there is none."""
    own = block._units if isinstance(block, mx.gluon.nn.Dense) else 0
    return max((own, *map(widest_layer, block._children.values())))
