"""The seeded source of noise and data order, and what noise a distribution needs.

MXNet's own generator can be neither read nor restored, and shares its stream with parameter
initialisation; a NumPy generator has neither fault and is faster. On a GPU, which would wait for a
copy of every draw, normal noise comes from MXNet's generator there all the same.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any, Optional

import numpy as np

from . import checks
from .backend.memory import filled
from .backend.operators import BFLOAT16
from .backend.regions.availability import loops_compile
from .backend.regions.random import Stream
from .backend.runtime import IMPORTED_BEFORE, is_gpu, mx
from .backend.structures import leaves, map_structure
from .backend.types import Context, DType, Structure, Tensor
from .distributed.identity import identity_of
from .distributed.sharing import Within

MANY = 2**16
"""Numbers of one draw from which on they come from a stream of their own, which all threads draw."""


@dataclass(frozen=True)
class NoiseSpec:
    """The noise that one draw from a distribution takes.

    Noise of one kind is one tensor and has one spec. Noise of several parts is a named tuple of tensors,
    and its spec the same named tuple of specs.

    Parameters
    ----------
    kind : {"normal", "uniform", "none"}
        Standard normal; uniform in [0, 1); or zeros, for a distribution that draws nothing.
    size : int
        Length of the last axis.
    """

    kind: str
    size: int


def total_size(spec: Structure) -> int:
    """Return the total size of the noise of a draw."""
    return sum(leaf.size for leaf in leaves(spec))


class NoiseSource:
    """Noise as NDArrays, and the order of the data, from one seed.

    Parameters
    ----------
    seed : int, optional
        Left out, it differs from run to run.
    on_gpu : bool
        Draw the normal noise that a GPU needs on that GPU, by MXNet's generator. It is seeded by
        :func:`gluonvae.seed` alone, gives other numbers than the CPU's, and is no part of
        :meth:`state`: a run that is to be resumed to the bit sets this to False.
    """

    def __init__(self, seed: Optional[int] = None, on_gpu: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.seeded = seed is not None
        self.on_gpu = checks.boolean("on_gpu", on_gpu)

    def draw(
        self, spec: Structure, leading: Sequence[int], ctx: Optional[Context] = None, dtype: DType = "float32"
    ) -> Structure:
        """Draw noise.

        Parameters
        ----------
        spec : NoiseSpec or named tuple of NoiseSpec
            What a distribution, a network, a prior or a bound has as its ``noise``.
        leading : sequence of int
            The axes before the last, such as ``(B,)`` or ``(k, B)``.
        ctx : mx.Context, optional
            The CPU where left out.
        dtype : dtype

        Returns
        -------
        NDArray or named tuple of NDArray
            Each ``(*leading, size)``.
        """
        return map_structure(lambda leaf: self._draw(leaf.kind, (*leading, leaf.size), ctx or mx.cpu(), dtype), spec)

    def normal(self, shape: Sequence[int], ctx: Optional[Context] = None, dtype: DType = "float32") -> Tensor:
        """Draw standard normal noise of ``shape``."""
        return self._draw("normal", shape, ctx or mx.cpu(), dtype)

    def uniform(self, shape: Sequence[int], ctx: Optional[Context] = None, dtype: DType = "float32") -> Tensor:
        """Draw noise of ``shape`` that is uniform in [0, 1), never 1."""
        return self._draw("uniform", shape, ctx or mx.cpu(), dtype)

    def _draw(self, kind: str, shape: Sequence[int], ctx: Context, dtype: DType) -> Tensor:
        if kind == "normal" and self.on_gpu and is_gpu(ctx) and np.dtype(dtype) != BFLOAT16:
            return mx.nd.random.normal(shape=tuple(shape), ctx=ctx, dtype=np.dtype(dtype).name)
        return filled(lambda values: fill(kind, self.rng, values), shape, ctx, dtype)

    def permutation(self, size: int) -> np.ndarray:
        """Return the numbers 0 to ``size`` - 1 in random order."""
        return self.rng.permutation(size)

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here: plain numbers, fit for JSON."""
        return dict(self.rng.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that :meth:`state` returned."""
        self.rng.bit_generator.state = state
        self.seeded = True


class PartOfNoise(NoiseSource):
    """What a source draws for a batch, of which only some rows are kept.

    The source goes on as if it had drawn for the whole batch, and the rows are those of the whole.

    Parameters
    ----------
    whole : NoiseSource
        The source.
    within : Within
        The rows.
    """

    def __init__(self, whole: NoiseSource, within: Within) -> None:
        self.rng, self.seeded, self.on_gpu = whole.rng, whole.seeded, whole.on_gpu
        self._whole, self._within = whole, within

    def _draw(self, kind: str, shape: Sequence[int], ctx: Context, dtype: DType) -> Tensor:
        part = self._within.part
        if kind == "none" or not _is_many(math.prod(shape), dtype) or (self.on_gpu and is_gpu(ctx)):
            drawn = self._whole._draw(kind, shape, ctx, dtype)
            return drawn[part] if drawn.ndim == 2 else drawn[:, part]
        stream = Stream([int(self.rng.integers(2**63))])
        *_, rows, size = shape

        def draw(values: np.ndarray) -> None:
            for of_sample in values.reshape(-1, part.stop - part.start, size):
                stream.skip(part.start * size)
                fill(kind, stream, of_sample)
                stream.skip((rows - part.stop) * size)

        return filled(draw, (*shape[:-2], part.stop - part.start, size), ctx, dtype)


def _is_many(count: int, dtype: DType) -> bool:
    """Whether so many numbers are those of a stream of their own."""
    return count >= MANY and np.dtype(dtype) != np.float64 and loops_compile()


def fill(kind: str, rng: Any, out: np.ndarray) -> None:
    """Fill ``out``, float32 or float64, with noise of a kind.

    Of a generator of NumPy's, :data:`MANY` float32 numbers take but the key of a stream, where loops compile.
    """
    if kind == "none":
        out[...] = 0
        return
    if isinstance(rng, np.random.Generator) and _is_many(out.size, out.dtype):
        rng = Stream([int(rng.integers(2**63))])
    if kind == "normal":
        rng.standard_normal(out=out, dtype=out.dtype)
    else:
        rng.random(out=out, dtype=out.dtype)


source = NoiseSource(on_gpu=True)
"""What draws the order of the data and the noise of a training."""

_worker = identity_of(os.environ)
own = source if _worker.size == 1 else NoiseSource(on_gpu=True)
"""What draws whenever a call is not given its noise: of several workers each draws other noise then."""


def seed(value: int) -> None:
    """Seed the noise, the data order and the initialisation of parameters.

    Without it, no two processes have the same, nor a process that is forked and its parent. Processes that are forked
    after it all go on as their parent would: seed each with a number of its own. What else the numbers of a run depend
    on is told by :func:`gluonvae.backend.installation.conditions`.

    Initialisers draw from MXNet's generator and (``mx.init.Orthogonal``) from NumPy's global
    one, so both are seeded too.

    Parameters
    ----------
    value : int

    Raises
    ------
    ValueError
        If it is negative.
    """
    if value < 0:
        raise ValueError(f"seed must not be negative, got {value}")
    source.rng, source.seeded = np.random.default_rng(value), True
    if own is not source:
        own.rng, own.seeded = np.random.default_rng([value, _worker.rank]), True
    mx.random.seed(value)
    np.random.seed(value % 2**32)


@contextmanager
def seeded(value: int) -> Iterator[None]:
    """Context manager in which all is drawn as after :func:`seed`, and which leaves what is drawn afterwards alone.

    The noise, the data order and NumPy's global generator go on where they were. The state of MXNet's generator cannot
    be read: it goes on from a number that was drawn from it, so that what is repeatable stays so. Threads take turns.

    Parameters
    ----------
    value : int
        See :func:`seed`.

    Raises
    ------
    ValueError
        If it is negative.
    """
    with _turn:
        before, of_numpy = [(one, one.rng, one.seeded) for one in (source, own)], np.random.get_state()
        of_mxnet = int(mx.nd.random.randint(0, 2**31 - 1, ctx=mx.cpu()).asscalar())
        try:
            seed(value)
            yield
        finally:
            for one, rng, was_seeded in before:
                one.rng, one.seeded = rng, was_seeded
            np.random.set_state(of_numpy)
            mx.random.seed(of_mxnet)


_turn = RLock()


def _differ(ctx: Any = "all") -> None:
    """Draw from here on what no other process draws, unless seeded. MXNet's generators would start from a constant."""
    if not source.seeded:
        source.rng = np.random.default_rng()
        mx.random.seed(int(source.rng.integers(2**31)), ctx)


if not IMPORTED_BEFORE:
    _differ()
# not on GPUs, which a forked process cannot use; initial parameters are drawn on the CPU
os.register_at_fork(after_in_child=lambda: _differ(mx.cpu()))


def check(noise: Structure, spec: Any, leading: Sequence[Any], dtype: DType) -> None:
    """Raise where noise is not what a spec asks for: another structure, shape or dtype.

    ``leading`` are the axes before the last as :func:`gluonvae.checks.shape` takes them.
    """
    if hasattr(spec, "_fields") and type(noise) is not type(spec):
        wanted = f"{type(spec).__name__}({', '.join(spec._fields)})"
        raise TypeError(f"noise must be {wanted}, a named tuple of tensors, got {type(noise).__name__}")
    _check("noise", noise, spec, leading, dtype)


def _check(name: str, noise: Structure, spec: Any, leading: Sequence[Any], dtype: DType) -> None:
    if hasattr(spec, "_fields"):
        for field, part, wanted in zip(spec._fields, noise, spec):
            _check(f"{name}.{field}", part, wanted, leading, dtype)
    else:
        checks.tensor(name, noise, (*leading, spec.size), dtype)
