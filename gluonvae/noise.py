"""The one seeded source of noise and data order.

MXNet's own generator can be neither read nor restored, and shares its stream with parameter
initialisation; a NumPy generator has neither fault and is faster. On a GPU, which would wait for a
copy of every draw, normal noise comes from MXNet's generator there all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from .backend.memory import filled
from .backend.operators import BFLOAT16, Tensor, is_symbol
from .backend.runtime import is_gpu, mx


class NoiseSource:
    """Normal and uniform noise as NDArrays, and the order of the data, from one seed.

    Parameters
    ----------
    seed : left out, it differs from run to run.
    on_gpu : draw the normal noise that a GPU needs on that GPU, by MXNet's generator. It is seeded by
        :func:`gluonvae.seed` alone, gives other numbers than the CPU's, and is no part of
        :meth:`state`: a run that is to be resumed to the bit sets this to False.
    """

    def __init__(self, seed: Optional[int] = None, on_gpu: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.on_gpu = on_gpu

    def normal(self, shape: Sequence[int], ctx: Any = None, dtype: Any = "float32") -> Any:
        """Standard normal noise of ``shape`` on ``ctx``."""
        if self.on_gpu and ctx is not None and is_gpu(ctx) and np.dtype(dtype) != BFLOAT16:
            return mx.nd.random.normal(shape=tuple(shape), ctx=ctx, dtype=np.dtype(dtype).name)
        return self._draw(self.rng.standard_normal, shape, ctx, dtype)

    def uniform(self, shape: Sequence[int], ctx: Any = None, dtype: Any = "float32") -> Any:
        """Noise uniform in [0, 1), never 1, of ``shape`` on ``ctx``."""
        return self._draw(self.rng.random, shape, ctx, dtype)

    @staticmethod
    def _draw(draw: Any, shape: Sequence[int], ctx: Any, dtype: Any) -> Any:
        return filled(lambda values: draw(out=values, dtype=values.dtype), shape, ctx or mx.cpu(), dtype)

    def permutation(self, size: int) -> np.ndarray:
        """The numbers 0 to ``size`` - 1 in random order."""
        return self.rng.permutation(size)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from here: plain numbers, fit for JSON."""
        return dict(self.rng.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that :meth:`state` gave."""
        self.rng.bit_generator.state = state


source = NoiseSource(on_gpu=True)
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
