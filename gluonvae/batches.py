"""Batches of a data set as a model takes them, for training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import checks
from .backend.memory import filled
from .backend.types import Tensor
from .data import Dataset, as_images
from .models import VAE, ConditionalVAE
from .noise import NoiseSource

Rows = Union[slice, np.ndarray]


class Batch(NamedTuple):
    """A batch on the device and in the dtype of a model."""

    data: Tensor
    """``(B, X)``."""
    label: Optional[Tensor]
    """``(B, Y)``; None in a model without labels."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The data and, where there is one, the label."""
        return (self.data,) if self.label is None else (self.data, self.label)


def dataset_for(vae: VAE, data: Union[Dataset, Any], name: str = "data") -> Dataset:
    """Return data as a Dataset that fits a model.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        Images ``(N, X)``.
    name : str
        What messages call the data.

    Raises
    ------
    ValueError, TypeError
        For another shape, empty data, NaN, values outside the likelihood's support, labels in the place of
        images, and labels that a model with labels does not find or know.
    """
    if not isinstance(data, Dataset):
        data = Dataset(as_images(name, data, missing=True), binarization="none")
    wanted = vae.data_dims
    if data.pixels.shape[1] != wanted:
        raise ValueError(
            f"{name} must be images of {wanted} values each, got {len(data)} of "
            f"{data.pixels.shape[1]} (shape {data.shape})"
        )
    vae.generator.check_support(name, data.possible_values())
    if isinstance(vae, ConditionalVAE):
        if data.labels is None:
            raise ValueError(f"{name} has no labels, and {type(vae).__name__} takes them: Dataset(images, labels=...)")
        vae.label_values(data.labels, len(data))
    return data


def load_batch(vae: VAE, data: Dataset, rows: Rows, source: Optional[NoiseSource] = None) -> Batch:
    """Return the data points at ``rows``; dynamic pixels are drawn from ``source``, by default the seeded one."""
    images = to_device(vae, data.batch(rows, source))
    if isinstance(vae, ConditionalVAE) and data.labels is not None:
        return Batch(images, to_device(vae, vae.label_values(data.labels[rows], len(images))))
    return Batch(images, None)


def batches(vae: VAE, data: Dataset, batch_size: int, source: Optional[NoiseSource] = None) -> Iterator[Batch]:
    """Yield all data points in their order."""
    batch_size = checks.positive_int("batch_size", batch_size)
    for start in range(0, len(data), batch_size):
        yield load_batch(vae, data, slice(start, start + batch_size), source)


def to_device(vae: VAE, values: np.ndarray) -> Tensor:
    """Return an array as an NDArray on the device and in the dtype of a model."""
    return filled(lambda out: np.copyto(out, values), values.shape, vae.context, vae.dtype)
