"""Data on a common scale: columns with mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..backend.operators import as_numpy, namespace
from ..backend.runtime import mx
from ..backend.types import Block, Parameter, Tensor
from ..weights import value_of

LEAST_STD = 1e-30
"""Below it a standard deviation counts as 0: a scale that is a small part of it would be no normal float32."""


class Standardization(NamedTuple):
    """The mean and the standard deviation of each column of the data, constants of a model."""

    mean: Parameter
    """``(X,)``; 0 until it is set."""
    std: Parameter
    """``(X,)``; 0 until it is set."""

    @classmethod
    def of(cls, parameters: Any, size: int) -> Standardization:
        """Make the two parameters, ``data_mean`` and ``data_std``, in the ParameterDict of a block."""
        names = ("data_mean", "data_std")
        return cls(*(parameters.get(of, shape=(size,), init=mx.init.Zero(), grad_req="null") for of in names))

    def apply(self, data: Tensor) -> Tensor:
        """Compute (x - mean) / std of data ``(..., X)``."""
        self._check_set()
        F = namespace(data)
        return F.broadcast_div(F.broadcast_sub(data, value_of(self.mean, data)), value_of(self.std, data))

    def undo(self, values: Tensor) -> Tensor:
        """Compute mean + std * values, data ``(..., X)`` of standardised values."""
        return namespace(values).broadcast_add(self.scaled(values), value_of(self.mean, values))

    def scaled(self, values: Tensor) -> Tensor:
        """Compute std * values, differences of data ``(..., X)`` of standardised differences."""
        self._check_set()
        return namespace(values).broadcast_mul(values, value_of(self.std, values))

    def lend_to(self, block: Block) -> None:
        """Make the constants known to a block whose graph computes with them; they are saved with their owner."""
        block.params.update({parameter.name: parameter for parameter in self})

    @property
    def is_set(self) -> bool:
        """Whether the constants have been taken from data."""
        return self.std._data is not None and bool(as_numpy(self.std.list_data()[0]).any())

    def _check_set(self) -> None:
        if self.std._data is not None and not self.is_set:
            raise ValueError(
                "standardize=True takes the mean and the standard deviation of the training data, which are not known "
                "yet: call vae.adapt(data) first"
            )

    def set(self, mean: np.ndarray, std: np.ndarray) -> None:
        """Set the constants, ``(X,)`` each.

        A standard deviation is 1 where a column is constant, or all but: where its values differ by less than a float32
        of their size tells apart.
        """
        varies = std > np.maximum(np.finfo(np.float32).eps * abs(mean), LEAST_STD)
        for parameter, values in zip(self, (mean, np.where(varies, std, 1))):
            parameter.set_data(mx.nd.array(values, dtype="float64"))
