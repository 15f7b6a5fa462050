"""Values of every sample as the columns of one matrix for each data point, for products with its factor."""

from __future__ import annotations

from ..backend.operators import Tensor, namespace, with_sample_axis


def as_columns(x: Tensor) -> Tensor:
    """``(..., B, D)`` as ``(B, D, N)``, the N of all axes before."""
    return namespace(x).transpose(with_sample_axis(x), axes=(1, 2, 0))


def as_rows(columns: Tensor, like: Tensor) -> Tensor:
    """``(B, D, N)`` as ``(..., B, D)``, with the axes before of ``like``, ``(..., B, E)``."""
    F = namespace(columns)
    # (N, B, D)
    rows = F.transpose(columns, axes=(2, 0, 1))
    return F.reshape_like(rows, like, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=-1)
