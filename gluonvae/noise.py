"""The one seeded source of noise and data order.

MXNet's own generator can be neither read nor restored, and shares its stream with parameter
initialisation; a NumPy generator has neither fault and is faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from .ops import Tensor, is_symbol
from .runtime import mx


class NoiseSource:
    """Normal and uniform noise as NDArrays, and the order of the data, from one seed."""

    def __init__(self, seed: Optional[int] = None) -> None:
        self.rng = np.random.default_rng(seed)

    def normal(self, shape: Sequence[int], ctx: Any = None, dtype: Any = "float32") -> Any:
        """Standard normal noise of ``shape`` on ``ctx``."""
        return self._draw(self.rng.standard_normal, shape, ctx, dtype)

    def uniform(self, shape: Sequence[int], ctx: Any = None, dtype: Any = "float32") -> Any:
        """Noise uniform in [0, 1), never 1, of ``shape`` on ``ctx``."""
        return self._draw(self.rng.random, shape, ctx, dtype)

    @staticmethod
    def _draw(draw: Any, shape: Sequence[int], ctx: Any, dtype: Any) -> Any:
        wide = np.dtype(dtype) == np.float64
        values = draw(tuple(shape), dtype=np.float64 if wide else np.float32)
        return mx.nd.array(values, ctx=ctx or mx.cpu(), dtype=values.dtype).astype(dtype, copy=False)

    def permutation(self, size: int) -> np.ndarray:
        """The numbers 0 to ``size`` - 1 in random order."""
        return self.rng.permutation(size)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from here: plain numbers, fit for JSON."""
        return dict(self.rng.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that :meth:`state` gave."""
        self.rng.bit_generator.state = state


source = NoiseSource()
"""What draws whenever a call is not given its noise."""


def seed(value: int) -> None:
    """Seed the noise, the data order and the initialisation of parameters.

    Initialisers draw from MXNet's generator and (``mx.init.Orthogonal``) from NumPy's global
    one, so both are seeded too.
    """
    if value < 0:
        raise ValueError(f"seed must not be negative, got {value}")
    source.rng = np.random.default_rng(value)
    mx.random.seed(value)
    np.random.seed(value % 2**32)


def normal_for(tensor: Tensor, noise: Optional[Tensor], shape: Optional[Sequence[int]] = None) -> Tensor:
    """``noise``, or standard normal noise of ``shape`` (else that of ``tensor``) on its device."""
    return _given_or_drawn(source.normal, tensor, noise, shape)


def uniform_for(tensor: Tensor, noise: Optional[Tensor], shape: Optional[Sequence[int]] = None) -> Tensor:
    """``noise``, or uniform noise of ``shape`` (else that of ``tensor``) on its device."""
    return _given_or_drawn(source.uniform, tensor, noise, shape)


def _given_or_drawn(draw: Any, tensor: Tensor, noise: Optional[Tensor], shape: Optional[Sequence[int]]) -> Tensor:
    if noise is not None:
        return noise
    if is_symbol(tensor):
        raise TypeError("noise must be given where the data is a Symbol: a graph draws none itself")
    return draw(tensor.shape if shape is None else shape, tensor.context, tensor.dtype)
