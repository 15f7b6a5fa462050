"""Convolutions, and transposed ones, with the parameters of Gluon's."""

from __future__ import annotations

from typing import Any, Optional

from ..backend import compiled
from ..backend.graphs import GraphBlock
from ..backend.regions.availability import products_available
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor


class _Layer(GraphBlock):
    """Mixin of Gluon's layers, which are compiled operators where there are any."""

    _kwargs: dict[str, Any]
    weight: Any
    act: Optional[Block]

    def compiled(self, weight: Tensor, bias: Optional[Tensor]) -> compiled.Convolution:
        """Return the layer as the compiled operator takes it."""
        options = self._kwargs
        kernel, stride, padding = (tuple(options[name]) for name in ("kernel", "stride", "pad"))
        extra = tuple(options["adj"]) if "adj" in options else None
        return compiled.Convolution(weight, bias, options["num_filter"], kernel, stride, padding, extra, "identity")

    @property
    def is_compiled(self) -> bool:
        """Whether the layer is a compiled operator."""
        options = self._kwargs
        is_plain = options["num_group"] == 1 and set(options["dilate"]) == {1} and options["layout"] == "NCHW"
        return is_plain and self.act is None and products_available(self.weight.dtype)

    def hybrid_forward(self, F: Operators, x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        if self.is_compiled:
            return compiled.convolutions(x, [self.compiled(weight, bias)])
        return super().hybrid_forward(F, x, weight, bias)


class Conv2D(_Layer, mx.gluon.nn.Conv2D):
    """A convolution with the arguments of ``gluon.nn.Conv2D``: maps ``(N, C, H, W)`` to ``(N, channels, H', W')``."""


class Conv2DTranspose(_Layer, mx.gluon.nn.Conv2DTranspose):
    """A transposed convolution with the arguments of ``gluon.nn.Conv2DTranspose``.

    Maps ``(N, C, H, W)`` to ``(N, channels, H', W')``.
    """
