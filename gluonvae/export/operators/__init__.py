"""What converts each of MXNet's operators to ONNX."""

from __future__ import annotations

from ..builder import CONVERTERS
from . import elementwise, indexing, layers, linear_algebra, reductions, shaping

__all__ = ["CONVERTERS", "elementwise", "indexing", "layers", "linear_algebra", "reductions", "shaping"]
