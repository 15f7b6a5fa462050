"""Whether tensors hold a number that is not finite, looked at in one pass over their memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

from .memory import wait
from .regions.availability import loops_compile
from .regions.tables import Table
from .runtime import engine_is_naive, is_gpu, mx
from .structures import are_same
from .types import Tensor

LARGEST = np.sqrt(np.finfo(np.float32).max)
"""Beyond it the square of a float32 is infinite, and optimizers take the square of a gradient."""


class FiniteCheck:
    """Looks at the same tensors again and again: gradients and buffers, once a step.

    Float32 on the CPU is read by a region; anything else by an operator of MXNet's, which does not wait for
    a device but is slower on the CPU.

    Parameters
    ----------
    waits : bool
        Whether the tensors are computed when they are looked at, or may be waited for.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._tensors: Sequence[Tensor] = ()
        self._table: Optional[Table] = None

    def __call__(self, tensors: Sequence[Tensor]) -> Union[float, Tensor]:
        """Look at tensors.

        Parameters
        ----------
        tensors : Sequence[Tensor]
            NDArrays on one device, at least one.

        Returns
        -------
        float or Tensor
            0, ``(1,)`` where it is a tensor, if every value is finite and no larger than :data:`LARGEST`, to a
            small factor; else NaN.
        """
        if not are_same(tensors, self._tensors):
            self._look_up(tensors)
        elif self._table is not None and not engine_is_naive():
            wait(tensors)
        if self._table is None:
            return 0 * _sum_of_squares(tensors)
        found = self._table.numbers[0]
        found[:] = 0
        self._table.run()
        return math.nan if found.any() else 0.0

    def _look_up(self, tensors: Sequence[Tensor]) -> None:
        """Find the memory of tensors that are not those of the last call, where the region can be used."""
        self._tensors, self._table = tensors, None
        if self._waits and loops_compile() and all(map(_is_plain, tensors)):
            wait(tensors)  # what is still to be computed has no memory yet
            self._table = Table("too_large", [(tensor,) for tensor in tensors])
            self._table.settings[0] = LARGEST


def _is_plain(tensor: Tensor) -> bool:
    return tensor.dtype == np.float32 and tensor.stype == "default" and not is_gpu(tensor.context)


def _sum_of_squares(tensors: Sequence[Tensor]) -> Tensor:
    """Of all values, ``(1,)``, in float32."""
    dense = [tensor if tensor.stype == "default" else _stored(tensor) for tensor in tensors]
    return mx.nd.multi_sum_sq(*dense, num_arrays=len(dense)).sum()


def _stored(sparse: Any) -> Tensor:
    """The values of a sparse tensor that are not 0."""
    return sparse.data
