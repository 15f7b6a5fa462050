"""What converts each of MXNet's operators to ONNX, in :data:`gluonvae.export.builder.CONVERTERS`."""

from __future__ import annotations

from . import elementwise, indexing, layers, linear_algebra, reductions, shaping

__all__ = ["elementwise", "indexing", "layers", "linear_algebra", "reductions", "shaping"]
