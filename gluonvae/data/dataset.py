"""Images held in memory, and their binarisation."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from ..noise import NoiseSource
from ..noise import source as default_source

BINARIZATIONS = ("dynamic", "threshold", "once", "grey", "bytes", "none")
"""How grey images are turned into the values that a model is trained on:

- "dynamic": zeros and ones, drawn anew for every batch with the grey value as probability;
- "threshold": zeros and ones, 1 for grey values of at least one half;
- "once": zeros and ones, drawn once when the data set is made;
- "grey": fractions in [0, 1]; 8-bit images are divided by 255;
- "bytes": whole numbers 0 to 255; fractions are multiplied by 255 and rounded;
- "none": values are left as they are, in any range.

Images of zeros and ones are left as they are under all of them."""


class Dataset:
    """Images, one in each row, with optional labels.

    Parameters
    ----------
    images : ArrayLike
        ``(N, X)`` or ``(N, *shape)``. Grey values are whole numbers 0 to 255 or fractions in [0, 1]; binary images
        are zeros and ones of any dtype; with ``binarization="none"`` values may be any numbers, and NaN where one
        is missing.
    shape : Sequence[int], optional
        Shape of one image, such as ``(28, 28)``; by default that of ``images`` without the first axis.
    binarization : str, default "dynamic"
        One of :data:`BINARIZATIONS`.
    labels : ArrayLike, optional
        Classes or one condition for each image, ``(N,)``, or one-hot rows or several conditions, ``(N, C)``.
    seed : int, default 0
        Seed of the draw of ``binarization="once"``.

    Attributes
    ----------
    pixels : np.ndarray
        The images, ``(N, X)``: bool, uint8 (grey, where 255 stands for 1) or float32.
    labels : np.ndarray or None
        ``(N,)`` or ``(N, C)``.
    shape : tuple[int, ...]
        Shape of one image.
    binarization : str
        One of :data:`BINARIZATIONS`.
    binary : bool
        Whether the images were zeros and ones when they were given.
    split_seed : int or None
        Seed of the split at random that this is a part of; None where it was a set of its own.

    Raises
    ------
    TypeError
        If the images are not numbers.
    ValueError
        If there are no images, a value is NaN, infinite or outside these ranges, a shape does not fit, or the
        labels are not numbers.
    """

    def __init__(
        self,
        images: ArrayLike,
        shape: Optional[Sequence[int]] = None,
        binarization: str = "dynamic",
        labels: Optional[ArrayLike] = None,
        seed: int = 0,
    ) -> None:
        self.binarization = checks.known_name("binarization", binarization, BINARIZATIONS)
        images = as_images("images", images, missing=self.binarization == "none")
        self.shape = _image_shape(images, shape)
        self.split_seed: Optional[int] = None
        grey = _grey(images.reshape(len(images), -1), keep_values=binarization == "none")
        self.binary = grey.dtype == bool
        self.labels = None if labels is None else _checked_labels(labels, len(images))
        if binarization == "threshold":
            grey = grey >= (128 if grey.dtype == np.uint8 else 0.5)
        elif binarization == "once":
            grey = _draw(grey, np.random.default_rng(seed))
        elif binarization == "bytes" and grey.dtype == np.float32:
            grey = np.rint(255 * grey).astype(np.uint8)
        self.pixels = np.ascontiguousarray(grey)

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} images {self.shape}, binarization={self.binarization!r})"

    def digest(self) -> str:
        """Return a fingerprint of what is held: images, labels, shape and binarisation.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits; of one million bytes it takes about a millisecond.
        """
        content = hashlib.sha256(repr((self.shape, self.binarization)).encode())
        for array in (self.pixels, self.labels):
            if array is not None:
                content.update(f"{array.dtype.str} {array.shape}".encode())
                content.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return content.hexdigest()

    def batch(self, rows: Union[slice, np.ndarray], source: Optional[NoiseSource] = None) -> np.ndarray:
        """Return some of the images as input for a model.

        Parameters
        ----------
        rows : slice or np.ndarray
            Which images.
        source : NoiseSource, optional
            Source of the draws of ``binarization="dynamic"``, by default the one that :func:`gluonvae.seed` seeds.
            The draws depend on the sizes of the batches drawn since the seed was set.

        Returns
        -------
        np.ndarray
            ``(B, X)``, float32.
        """
        pixels = self.pixels[rows]
        if self.binarization == "dynamic":
            pixels = _draw(pixels, (source or default_source).rng)
        return self._values(pixels)

    def _values(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels as float32, on the scale of the model's input."""
        values = pixels.astype(np.float32)
        return values / np.float32(255) if self.binarization == "grey" and pixels.dtype == np.uint8 else values

    def possible_values(self) -> np.ndarray:
        """Return a few images that contain every value that :meth:`batch` can return.

        They are what a likelihood has to check against its support, of 8-bit images at most 256 rows.

        Returns
        -------
        np.ndarray
            ``(n, X)``.
        """
        dynamic = self.binarization == "dynamic"
        if self.pixels.dtype == bool or (self.pixels.dtype != np.uint8 and not dynamic):
            return self.pixels
        values = self._values(np.arange(2 if dynamic else 256, dtype=np.uint8))
        return np.broadcast_to(values[:, None], (len(values), self.pixels.shape[1]))

    def drawn_once(self, seed: int = 0) -> Dataset:
        """Return the data set with dynamic pixels drawn once, as for validation and test sets.

        Parameters
        ----------
        seed : int, default 0
            Seed of the draw.

        Returns
        -------
        Dataset
            A data set with ``binarization="once"``; under any other binarization than "dynamic" this one.
        """
        if self.binarization != "dynamic":
            return self
        drawn = copy.copy(self)
        drawn.pixels, drawn.binarization = _draw(self.pixels, np.random.default_rng(seed)), "once"
        return drawn

    def subset(self, rows: Union[slice, np.ndarray]) -> Dataset:
        """Return the data set of some of the images and their labels.

        Parameters
        ----------
        rows : slice or np.ndarray
            Which images.

        Returns
        -------
        Dataset
            A data set with the same shape of an image and binarisation.
        """
        part = copy.copy(self)
        part.pixels = self.pixels[rows]
        part.labels = None if self.labels is None else self.labels[rows]
        return part


def has_classes(labels: Optional[np.ndarray]) -> bool:
    """Tell classes, whole numbers ``(N,)`` or one-hot rows ``(N, C)``, from conditions, which are any numbers.

    Parameters
    ----------
    labels : numpy.ndarray, optional
        The labels.

    Returns
    -------
    bool
        Whether they are classes; False where there are none.
    """
    if labels is None:
        return False
    if labels.ndim == 2:
        return labels.shape[1] > 1 and np.array_equal(labels, np.eye(labels.shape[1])[labels.argmax(axis=1)])
    return np.array_equal(labels, np.rint(labels))


def _draw(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw zeros and ones with the grey values as probabilities, for uint8 exactly grey / 255."""
    if grey.dtype == bool:
        return grey
    if grey.dtype == np.uint8:
        return _below_255(rng, grey.shape) < grey
    return rng.random(size=grey.shape, dtype=np.float32) < grey


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


def as_images(name: str, value: ArrayLike, missing: bool = False) -> np.ndarray:
    """Check images and convert them to an array.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    value : ArrayLike
        Images, ``(N, ...)``.
    missing : bool
        Whether values may be missing, NaN.

    Returns
    -------
    np.ndarray
        The images, ``(N, ...)``.

    Raises
    ------
    TypeError
        If it is a pair of images and labels, or not of numbers.
    ValueError
        If it has another shape, is empty, or a value is not finite.
    """
    if isinstance(value, (tuple, list)) and len(value) == 2 and np.ndim(value[0]) > np.ndim(value[1]):
        raise TypeError(f"{name} must be images alone, got a pair: pass labels as labels=...")
    array = as_numpy(value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must be numbers, got dtype {array.dtype}")
    if array.ndim < 2 and array.size:
        raise ValueError(
            f"{name} must have shape (N, X) or (N, *shape), got {array.shape}: one "
            "number an item looks like labels, not images"
        )
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {array.shape}: it is empty")
    if not missing:
        checks.finite(name, array)
    elif np.isinf(array).any():
        checks.finite(name, np.where(np.isnan(array), 0, array))
    return array


def _image_shape(images: np.ndarray, shape: Optional[Sequence[int]]) -> tuple[int, ...]:
    if shape is None:
        return tuple(images.shape[1:])
    shape = checks.layer_sizes("shape", shape)
    wanted, given = math.prod(shape), math.prod(images.shape[1:])
    if wanted != given:
        raise ValueError(f"shape {shape} has {wanted} values an image, the images {images.shape} have {given}")
    return shape


def _grey(images: np.ndarray, keep_values: bool) -> np.ndarray:
    """Return zeros and ones as bool, other pixels as uint8 for 0 to 255 or as float32 in [0, 1]."""
    if images.dtype == bool or ((images == 0) | (images == 1)).all():
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


def _checked_labels(labels: ArrayLike, count: int) -> np.ndarray:
    array = as_numpy(labels)
    if array.ndim not in (1, 2) or len(array) != count or array.size == 0:
        raise ValueError(f"labels must have shape (N,) or (N, C) for N = {count} images, got {array.shape}")
    if array.dtype.kind not in "buif":
        raise ValueError(f"labels must be numbers, (N,) or (N, C), got dtype {array.dtype}")
    checks.finite("labels", array)
    return array
