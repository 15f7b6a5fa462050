"""Images held in memory, and what becomes of their grey values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from .. import checks
from ..noise import NoiseSource
from ..noise import source as default_source

BINARIZATIONS = ("dynamic", "threshold", "once", "grey", "bytes", "none")
"""What becomes of grey images:

- "dynamic": zeros and ones, drawn anew at each use with the grey value as probability;
- "threshold": zeros and ones, 1 where at least half white;
- "once": zeros and ones, drawn once when the data is loaded;
- "grey": fractions in [0, 1], of 8-bit images n / 255;
- "bytes": whole numbers 0 to 255, of fractions x the nearest to 255 x;
- "none": the values as they are, whatever they are.

Images that are zeros and ones alone stay that under each of them."""


class Dataset:
    """Images, one a row, and optionally their labels.

    Parameters
    ----------
    images : ``(N, X)`` or ``(N, *shape)``; grey as integers 0 to 255 or fractions 0 to 1, or
        already zeros and ones (of any dtype); any numbers under "none".
    shape : of one image, such as ``(28, 28)``; by default that of ``images`` beyond its first axis.
    binarization : one of :data:`BINARIZATIONS`.
    labels : ``(N,)``.
    seed : of the draw, for "once".

    Raises ValueError for empty data, NaN, pixels outside those ranges, shapes that do not fit.
    """

    def __init__(
        self,
        images: Any,
        shape: Optional[Sequence[int]] = None,
        binarization: str = "dynamic",
        labels: Optional[Any] = None,
        seed: int = 0,
    ) -> None:
        images = as_images("images", images)
        self.binarization = checks.known_name("binarization", binarization, BINARIZATIONS)
        self.shape = _image_shape(images, shape)
        grey = _grey(images.reshape(len(images), -1), keep_values=binarization == "none")
        self.labels = None if labels is None else _checked_labels(labels, len(images))
        if binarization == "threshold":
            grey = grey >= (128 if grey.dtype == np.uint8 else 0.5)
        elif binarization == "once":
            grey = _draw(grey, np.random.default_rng(seed))
        elif binarization == "bytes" and grey.dtype == np.float32:
            grey = np.rint(255 * grey).astype(np.uint8)
        self.pixels = np.ascontiguousarray(grey)
        """``(N, X)``: bool, uint8 (grey, 255 for 1) or float32."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} images {self.shape}, binarization={self.binarization!r})"

    def batch(self, rows: Union[slice, np.ndarray], source: Optional[NoiseSource] = None) -> np.ndarray:
        """The images at ``rows`` as a model takes them, float32 ``(B, X)``; dynamic pixels are
        drawn from ``source``: the same in the same calls after the same seed, others where the same
        rows come in batches of another size."""
        pixels = self.pixels[rows]
        if self.binarization == "dynamic":
            pixels = _draw(pixels, (source or default_source).rng)
        return self._values(pixels)

    def _values(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels, drawn where they are to be, on the scale that a model takes them."""
        values = pixels.astype(np.float32)
        return values / np.float32(255) if self.binarization == "grey" and pixels.dtype == np.uint8 else values

    def possible_values(self) -> np.ndarray:
        """Images ``(n, X)`` that have between them every value that :meth:`batch` may give: to check against
        the support of a likelihood. Of 8-bit images these are few whatever N is."""
        dynamic = self.binarization == "dynamic"
        if self.pixels.dtype == bool or (self.pixels.dtype != np.uint8 and not dynamic):
            return self.pixels
        values = self._values(np.arange(2 if dynamic else 256, dtype=np.uint8))
        return np.broadcast_to(values[:, None], (len(values), self.pixels.shape[1]))

    def drawn_once(self, seed: int = 0) -> Dataset:
        """The same images with dynamic pixels drawn once, as a validation or test set wants them."""
        if self.binarization != "dynamic":
            return self
        return self._with(_draw(self.pixels, np.random.default_rng(seed)), self.labels, "once")

    def subset(self, rows: Union[slice, np.ndarray]) -> Dataset:
        """The images at ``rows`` as a data set of their own."""
        labels = None if self.labels is None else self.labels[rows]
        return self._with(self.pixels[rows], labels, self.binarization)

    def _with(self, pixels: np.ndarray, labels: Optional[np.ndarray], binarization: str) -> Dataset:
        """A data set of pixels that have been checked before."""
        other = object.__new__(Dataset)
        other.pixels, other.labels, other.binarization, other.shape = pixels, labels, binarization, self.shape
        return other


class Splits(NamedTuple):
    """A data set in its three parts; nothing in one is in another."""

    train: Dataset
    valid: Dataset
    test: Dataset


def split(data: Dataset, valid: int, test: int, seed: int = 0) -> Splits:
    """Split by a fixed seed; dynamic pixels of ``valid`` and ``test`` are drawn once."""
    order = np.random.default_rng(seed).permutation(len(data))
    parts = np.split(order, [len(data) - valid - test, len(data) - test])
    if min(map(len, parts)) == 0:
        raise ValueError(
            f"{len(data)} images cannot be split: a training, a validation and a test set each need at least one"
        )
    return drawn_once_but_train(*(data.subset(rows) for rows in parts))


def drawn_once_but_train(train: Dataset, valid: Dataset, test: Dataset) -> Splits:
    """The three parts, with dynamic pixels of all but the first drawn once."""
    return Splits(train, valid.drawn_once(seed=1), test.drawn_once(seed=2))


def _draw(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Zeros and ones, 1 with probability grey: for uint8 exactly grey / 255."""
    if grey.dtype == bool:
        return grey
    if grey.dtype == np.uint8:
        return _below_255(rng, grey.shape) < grey
    return rng.random(size=grey.shape, dtype=np.float32) < grey


def _below_255(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Integers 0 to 254, equally likely: bytes of whole words, and those of 255 drawn again. A
    quarter of the time that ``rng.integers(0, 255, dtype=np.uint8)`` takes."""
    count = math.prod(shape)
    words = rng.integers(0, 2**64 - 1, size=-(-count // 8), dtype=np.uint64, endpoint=True)
    drawn = words.view(np.uint8)[:count].reshape(shape)
    again = drawn == 255
    drawn[again] = rng.integers(0, 255, size=np.count_nonzero(again), dtype=np.uint8)
    return drawn


def as_images(name: str, value: Any) -> np.ndarray:
    """Images ``(N, ...)`` as an array; raises, calling them ``name``, for what cannot be images."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and np.ndim(value[0]) > np.ndim(value[1]):
        raise TypeError(f"{name} must be images alone, got a pair: pass labels as labels=...")
    array = value.asnumpy() if hasattr(value, "asnumpy") else np.asarray(value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must be numbers, got dtype {array.dtype}")
    if array.ndim < 2 and array.size:
        raise ValueError(
            f"{name} must have shape (N, X) or (N, *shape), got {array.shape}: one "
            "number an item looks like labels, not images"
        )
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {array.shape}: it is empty")
    checks.finite(name, array)
    return array


def _image_shape(images: np.ndarray, shape: Optional[Sequence[int]]) -> tuple[int, ...]:
    if shape is None:
        return tuple(images.shape[1:])
    shape = checks.layer_sizes("shape", shape)
    if int(np.prod(shape)) != int(np.prod(images.shape[1:])):
        raise ValueError(
            f"shape {shape} has {int(np.prod(shape))} values an image, "
            f"the images {images.shape} have {int(np.prod(images.shape[1:]))}"
        )
    return shape


def _grey(images: np.ndarray, keep_values: bool) -> np.ndarray:
    """Pixels as bool where they are zeros and ones, else uint8 for 0 to 255 or float32 in [0, 1]."""
    if images.dtype == bool or np.array_equal(images * images, images):
        return images.astype(bool)
    if keep_values:
        return images.astype(np.float32)
    low, high = images.min(), images.max()
    whole = images.dtype.kind in "ui"
    if low < 0 or high > (255 if whole else 1):
        hint = "; divide the images by 255" if not whole and low >= 0 and high <= 255 else ""
        raise ValueError(
            "grey images must lie between 0 and 1, or be whole numbers from 0 to 255, "
            f"got {images.dtype} values from {low:.4g} to {high:.4g}{hint}"
        )
    return images.astype(np.uint8 if whole else np.float32)


def _checked_labels(labels: Any, count: int) -> np.ndarray:
    array = labels.asnumpy() if hasattr(labels, "asnumpy") else np.asarray(labels)
    if array.shape != (count,):
        raise ValueError(
            f"labels must have shape ({count},), one an image, got {array.shape}: are images and labels mixed up?"
        )
    return array
