"""How grey images become the values that a model is trained on."""

from __future__ import annotations

import math
from typing import Callable, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.types import DType
from ..distributed.sharing import Within
from ..noise import NoiseSource
from .stores import Bits, InMemory, Store
from .summary import Summary

BINARIZATIONS = ("dynamic", "threshold", "once", "grey", "bytes", "none")
"""What becomes of grey images, whose values lie between 0 and white, such as 255:

- "dynamic": zeros and ones, drawn anew for every batch with the grey value, as a fraction of white, as probability;
- "threshold": zeros and ones, 1 for grey values of at least one half of white;
- "once": zeros and ones, drawn once when the data set is made;
- "grey": fractions of white, in [0, 1];
- "bytes": whole numbers 0 to 255; fractions of white are multiplied by 255 and rounded;
- "none": values are left as they are, in any range.

Images of zeros and ones are left as they are under all of them."""

DRAWN_AT_ONCE = 2**23
"""Bytes of random numbers that are drawn in one go, where the pixels of a whole data set are drawn."""


def white_of(name: str, summary: Summary, dtype: DType, given: Optional[float] = None) -> Optional[float]:
    """Return the value of full intensity of grey images.

    Parameters
    ----------
    name : str
        What messages call the images.
    summary : Summary
        What their values are like.
    dtype : DType
        Of the values.
    given : float, optional
        The value that was asked for.

    Returns
    -------
    float or None
        None for zeros and ones.

    Raises
    ------
    ValueError
        If they are not grey: a value is missing, negative, or greater than white.
    """
    if given is not None and checks.finite_number("white", given) <= 0:
        raise ValueError(f"white must be positive, got {given}")
    if summary.first_missing:
        raise ValueError(
            f"{name} has nan at {summary.first_missing}: values may be missing with binarization='none' alone"
        )
    if summary.binary and given in (None, 1):
        return None
    whole = np.dtype(dtype).kind in "ui"
    white = given or (_deepest(summary.high, dtype) if whole else 1)
    if summary.low < 0 or summary.high > white:
        hint = "; divide the images by 255" if not whole and 0 <= summary.low <= summary.high <= 255 else ""
        raise ValueError(
            "grey images must lie between 0 and 1, or be whole numbers from 0 to 255, "
            f"got {np.dtype(dtype)} values from {summary.low:.4g} to {summary.high:.4g}{hint}"
        )
    return float(white)


def _deepest(high: float, dtype: DType) -> int:
    """The largest whole number of the depth that images have: 8 bits, or, of a type for them, 12 or 16."""
    if high <= 255 or np.dtype(dtype) != np.uint16:
        return 255
    return 4095 if high <= 4095 else 65535


class Preparation(NamedTuple):
    """What becomes of the values of a data set on their way to a model."""

    binarization: str
    """One of :data:`BINARIZATIONS`."""
    white: Optional[float]
    """The value of full intensity; None for zeros and ones, and for values that are left as they are."""
    binary: bool
    """Whether all values are zeros and ones."""

    def stored(self, taken: np.ndarray) -> np.ndarray:
        """Return values as bool, as uint8 where 255 stands for 1, or as float32."""
        if taken.dtype == bool or self.binary:
            return taken.astype(bool, copy=False)
        if self.binarization == "threshold":
            return taken >= float(self.white or 1) / 2
        return self.fractions(taken)

    def fractions(self, taken: np.ndarray) -> np.ndarray:
        """Return grey values as uint8, where 255 stands for 1, or as fractions of white; others as they are."""
        if self.white is None:
            return taken.astype(np.float32, copy=False)
        if self.white == 255 and taken.dtype.kind in "ui":
            return taken.astype(np.uint8, copy=False)
        fractions = taken if self.white == 1 else np.divide(taken, self.white, dtype=np.float64)
        if self.binarization == "bytes":
            return np.rint(255 * fractions).astype(np.uint8)
        return fractions.astype(np.float32, copy=False)

    def scaled(self, stored: np.ndarray) -> np.ndarray:
        """Return what :meth:`stored` returned as float32, on the scale of the model's input."""
        values = stored.astype(np.float32, copy=False)
        return values / np.float32(255) if self.binarization == "grey" and stored.dtype == np.uint8 else values

    def drawn(self, taken: np.ndarray, source: NoiseSource, within: Optional[Within] = None) -> np.ndarray:
        """Return values as a model's input, with dynamic pixels drawn from ``source``."""
        stored = self.stored(taken)
        return self.scaled(draw(stored, source.rng, within) if self.binarization == "dynamic" else stored)

    def exact(self, taken: np.ndarray) -> np.ndarray:
        """Return values on the scale of the model's input with all their digits; dynamic pixels as their means."""
        if self.binarization == "none" and not self.binary:
            return taken
        stored = self.stored(taken)
        fractions = stored.dtype == np.uint8 and self.binarization in ("grey", "dynamic")
        return stored / 255 if fractions else stored


def draw(grey: np.ndarray, rng: np.random.Generator, within: Optional[Within] = None) -> np.ndarray:
    """Draw zeros and ones with grey values as probabilities.

    Parameters
    ----------
    grey : np.ndarray
        Probabilities: bool, which stay; uint8, where 255 stands for 1; or fractions.
    rng : np.random.Generator
    within : Within, optional
        Where the images lie in the batch that is drawn for.

    Returns
    -------
    np.ndarray
        Bool, of the same shape. For uint8 the probability is exactly grey / 255.
    """
    if grey.dtype == bool:
        return grey
    whole = Within(len(grey), slice(None)) if within is None else within
    shape = (whole.rows, *grey.shape[1:])
    drawn = _below_255(rng, shape) if grey.dtype == np.uint8 else rng.random(size=shape, dtype=np.float32)
    return drawn[whole.part] < grey


def draw_all(store: Store, fractions: Callable[[np.ndarray], np.ndarray], seed: int) -> Store:
    """Draw the pixels of all images once.

    Parameters
    ----------
    store : Store
        The images.
    fractions : callable
        Turns rows of the store into what :func:`draw` takes.
    seed : int

    Returns
    -------
    Store
        In memory; of images that are not, eight pixels to a byte. The pixels are the same.
    """
    bytes_of_pixel = 1 if store.dtype == np.uint8 else 4
    rng, size = np.random.default_rng(seed), max(1, DRAWN_AT_ONCE // (bytes_of_pixel * store.shape[1]))
    blocks = (draw(fractions(store.take(slice(start, start + size))), rng) for start in range(0, len(store), size))
    if not store.reads_ahead:
        return InMemory(np.concatenate(list(blocks)))
    return Bits(np.concatenate([np.packbits(block, axis=1) for block in blocks]), store.shape[1])


def _below_255(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw integers 0 to 254 with equal probabilities: random bytes, of which those of 255 are drawn again.

    This takes a quarter of the time of ``rng.integers(0, 255, dtype=np.uint8)``.
    """
    count = math.prod(shape)
    words = rng.integers(0, 2**64 - 1, size=-(-count // 8), dtype=np.uint64, endpoint=True)
    drawn = words.view(np.uint8)[:count].reshape(shape)
    again = drawn == 255
    drawn[again] = rng.integers(0, 255, size=np.count_nonzero(again), dtype=np.uint8)
    return drawn
