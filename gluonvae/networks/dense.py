"""Dense layers, their sizes, and the precision of their matrix products."""

from __future__ import annotations

import logging
from typing import Optional

import numpy as np

from .. import checks
from ..backend import compiled
from ..backend.graphs import GraphBlock
from ..backend.operators import BFLOAT16, namespace, stop_gradient
from ..backend.processor import bfloat16_in_hardware
from ..backend.regions.availability import narrow_products_available, products_available
from ..backend.runtime import mx
from ..backend.types import Block, Context, DType, Operators, Tensor

_log = logging.getLogger(__name__)


class Dense(GraphBlock, mx.gluon.nn.Dense):
    """A dense layer over the last axis: maps ``(..., in_units)`` to ``(..., units)``.

    It is ``gluon.nn.Dense(units, flatten=False)`` whose matrix product may be taken in a lower precision than
    its input and output have, see :meth:`XavierBlock.mixed_precision`.

    Parameters
    ----------
    units : int
        Size of the output.
    in_units : int, default 0
        Size of the input; 0 infers it from the first call.
    prefix : str, optional
        Prefix of the names of its parameters.
    """

    def __init__(self, units: int, in_units: int = 0, prefix: Optional[str] = None) -> None:
        super().__init__(units, flatten=False, in_units=in_units, prefix=prefix)
        self.precision: Optional[DType] = None

    @property
    def is_compiled(self) -> bool:
        """Whether the layer is a compiled operator."""
        return self._compiled_precision is not None

    @property
    def _compiled_precision(self) -> Optional[str]:
        """The precision in which a compiled operator takes the product; None where MXNet's operator does."""
        if not products_available(self.weight.dtype):
            return None
        if self.precision is None:
            return "float32"
        return "bfloat16" if self.precision == BFLOAT16 and narrow_products_available() else None

    def compiled(self, weight: Tensor, bias: Tensor) -> compiled.Layer:
        """Return the layer as the compiled operator takes it."""
        return compiled.Layer(weight, bias, self._units, "identity", self._compiled_precision or "")

    def hybrid_forward(self, F: Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if self.is_compiled:
            return compiled.dense(x, [self.compiled(weight, bias)])
        if self.precision is None:
            return super().hybrid_forward(F, x, weight, bias)
        x, weight, bias = (F.amp_cast(tensor, dtype=self.precision) for tensor in (x, weight, bias))
        return F.amp_cast(super().hybrid_forward(F, x, weight, bias), dtype="float32")


PRECISIONS: dict[str, Optional[DType]] = {"float32": None, "bfloat16": BFLOAT16, "float16": np.dtype("float16")}
"""Precisions of matrix products by name; None takes them in the dtype of the input."""


def product_dtype(name: str, ctx: Context) -> Optional[DType]:
    """Look up a precision of matrix products, and test that a device has such a product.

    Parameters
    ----------
    name : str
        A name in :data:`PRECISIONS`.
    ctx : Context
        The device.

    Returns
    -------
    dtype or None
        None for "float32".

    Raises
    ------
    ValueError
        If the name is unknown, or MXNet has no product of this dtype on the device.
    """
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


def max_units(block: Block) -> int:
    """Return the largest number of units of any dense layer in a block.

    Parameters
    ----------
    block : Block
        Searched with all its descendants.

    Returns
    -------
    int
        0 if there is no dense layer.
    """
    own = block._units if isinstance(block, mx.gluon.nn.Dense) else 0
    return max((own, *map(max_units, block._children.values())))


def set_in_units(layer: Dense, in_units: int) -> None:
    """Set the input size of a dense layer that is not initialised yet.

    Nothing happens if the layer has that size already.

    Parameters
    ----------
    layer : Dense
        It may have been created for another size.
    in_units : int
        Size of the input.

    Raises
    ------
    ValueError
        If the weight is initialised for another size.

    Examples
    --------
    >>> layer = Dense(5, in_units=3)
    >>> set_in_units(layer, 4)
    >>> layer.weight.shape
    (5, 4)
    """
    weight = layer.weight
    units, known = weight.shape
    if known == in_units:
        return
    if weight._data is not None:
        raise ValueError(f"{layer.name} is already initialised for {known} inputs: it cannot be set to take {in_units}")
    # Gluon refuses to change a known size, and its Symbol of the weight would keep the old one
    weight._shape, weight._var = (units, in_units), None


def with_label(x: Tensor, *label: Tensor) -> Tensor:
    """Append a label to the last axis.

    Parameters
    ----------
    x : Tensor
        ``(..., B, D)``; any leading axes are sample axes.
    *label : Tensor
        ``(B, Y)``, repeated for every sample; may be left out.

    Returns
    -------
    Tensor
        ``(..., B, D + Y)``; ``x`` itself if there is no label.

    Examples
    --------
    >>> with_label(mx.nd.zeros((7, 20, 3)), mx.nd.ones((20, 2))).shape
    (7, 20, 5)
    """
    if not label:
        return x
    F = namespace(x)
    # (..., B, 1)
    column = F.slice_axis(stop_gradient(x), axis=-1, begin=0, end=1)
    return F.concat(x, F.broadcast_add(F.zeros_like(column), *label), dim=-1)
