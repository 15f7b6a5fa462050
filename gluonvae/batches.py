"""Batches of data as a model takes them, for training and evaluation."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import checks
from .backend.memory import filled
from .backend.runtime import mx
from .backend.types import Tensor
from .data import Dataset, Splits, Stream
from .data.prefetch import read_ahead
from .data.stores import Rows
from .distributed.sharing import WHOLE, Share
from .labels import MISSING, numbered
from .models import VAE, ConditionalVAE
from .noise import NoiseSource

Data = Union[Dataset, Stream]


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


def dataset_for(vae: VAE, data: Any, name: str = "data") -> Data:
    """Return data of any form as a Dataset, or a Stream of batches, that fits a model.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset, array, sparse matrix, table, Gluon Dataset or DataLoader, or any iterable of batches
        ``(N, X)`` or ``(N, *shape)``; see :class:`gluonvae.data.Dataset` and :class:`gluonvae.data.Stream`. Values
        that are not in a Dataset are taken as they are.
    name : str
        What messages call the data.

    Raises
    ------
    ValueError, TypeError
        For another shape, empty data, missing values in a model that takes none, values outside the likelihood's
        support, labels in the place of images, and labels that a model with labels does not find or know. Of a Stream
        what can be seen in its first batch.
    """
    data = as_data(name, data)
    wanted = vae.data_dims
    if data.width != wanted:
        raise ValueError(
            f"{name} must be {data.things} of {wanted} values each, got "
            f"{'batches' if isinstance(data, Stream) else len(data)} of {data.width} (shape {data.shape})"
        )
    if isinstance(data, Stream):
        if isinstance(vae, ConditionalVAE) and not data.has_labels:
            raise ValueError(
                f"{name} has no labels, and {type(vae).__name__} takes them: yield pairs, (values, labels)"
            )
        return data
    for values in data.possible_values():
        vae.generator.check_support(name, values)
    return with_numbered_labels(vae, data, name) if isinstance(vae, ConditionalVAE) else data


def as_data(name: str, data: Any) -> Data:
    """Return data of any form as a Dataset or a Stream."""
    if isinstance(data, (Dataset, Stream)):
        return data
    if isinstance(data, Splits):
        raise TypeError(f"{name} is all three parts of the data: give one, such as .train")
    if isinstance(data, mx.gluon.data.DataLoader) or _yields_batches(data):
        return Stream(data)
    return Dataset(data, binarization="none", name=name)


def _yields_batches(data: Any) -> bool:
    """Whether data is an iterable that is neither an array nor what NumPy makes one of."""
    is_array = isinstance(data, (np.ndarray, list, tuple, str, bytes, mx.nd.NDArray, mx.gluon.data.Dataset))
    looks_like_array = any(hasattr(data, name) for name in ("__array__", "tocsr", "iloc"))
    return isinstance(data, Iterable) and not (is_array or looks_like_array)


def with_numbered_labels(vae: ConditionalVAE, data: Dataset, name: str = "data") -> Dataset:
    """Return the data set with classes as the numbers that the model knows them by.

    A model that has not met classes by name takes the names, in their order, of the first data that it is given.
    """
    labels = data.named_labels
    if labels is None:
        raise ValueError(f"{name} has no labels, and {type(vae).__name__} takes them: Dataset(images, labels=...)")
    vae.meet_classes(labels)
    try:
        if labels.values.ndim == 1 and (vae.class_names is not None or labels.names is not None):
            data = data.with_labels(numbered(labels, vae.class_names), vae.class_names)
        vae.label_rows(np.asarray(data.labels), len(data))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return data


def load_batch(vae: VAE, data: Dataset, rows: Rows, source: Optional[NoiseSource] = None) -> Batch:
    """Return the data points at ``rows``; dynamic pixels are drawn from ``source``, by default the seeded one."""
    return _batch(vae, data.batch(rows, source), None if data.labels is None else data.labels[rows])


def _load_share(
    vae: VAE, data: Dataset, own: Rows, rows: np.ndarray, share: Share, source: Optional[NoiseSource] = None
) -> Optional[Batch]:
    """The share ``own`` of the data points at ``rows``; None where it is of none."""
    within = share.within(len(rows))
    if within is None:
        return load_batch(vae, data, own, source)
    if type(data).batch is Dataset.batch:
        return _batch_or_none(vae, data, data.batch(own, source, within), own)
    # the user's own, which draws for all that it is asked for
    return _batch_or_none(vae, data, data.batch(rows, source)[within.part], own)


def _batch_or_none(vae: VAE, data: Dataset, values: np.ndarray, own: Rows) -> Optional[Batch]:
    """The data points ``own``, whose values are given, as a batch; None where there is none."""
    if not len(values):
        return None
    return _batch(vae, values, None if data.labels is None else data.labels[own])


def _batch(vae: VAE, values: np.ndarray, labels: Optional[np.ndarray]) -> Batch:
    if isinstance(vae, ConditionalVAE) and labels is not None:
        return Batch(to_device(vae, values), to_device(vae, vae.label_rows(labels, len(values))))
    return Batch(to_device(vae, values), None)


def batches(vae: VAE, data: Data, batch_size: int, source: Optional[NoiseSource] = None) -> Iterator[Batch]:
    """Yield all data points in their order."""
    return (batch for batch, _ in shared_batches(vae, data, batch_size, source) if batch is not None)


def shared_batches(
    vae: VAE, data: Data, batch_size: int, source: Optional[NoiseSource] = None, share: Share = WHOLE
) -> Iterator[tuple[Optional[Batch], np.ndarray]]:
    """Yield the share of each batch, None where it is of no data point, and the rows of the batch in the data."""
    batch_size = checks.positive_int("batch_size", batch_size)
    if isinstance(data, Stream):
        yield from _streamed(vae, data, 0, 0, batch_size, share)
        return
    for start in range(0, len(data), batch_size):
        rows = np.arange(start, min(start + batch_size, len(data)))
        own = share.part(len(rows))
        yield _load_share(vae, data, slice(start + own.start, start + own.stop), rows, share, source), rows


def epoch(
    vae: VAE, data: Data, order: Any, start: int, batch_size: Optional[int], share: Share = WHOLE
) -> Generator[tuple[Optional[Batch], np.ndarray], None, None]:
    """Yield the batches of an epoch of training, and which rows of the data they are.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or Stream
    order : numpy.ndarray or int
        The rows of a Dataset in the order in which they are met; the seed of a Stream's order.
    start : int
        How many data points have been met.
    batch_size : int, optional
        Rows of a batch; of a Stream its own where left out.
    share : Share
        The part of each batch that is read: of a small one it may be None. The rows are those of the whole batch.
    """
    if isinstance(data, Stream):
        yield from _streamed(vae, data, order, start, batch_size, share)
        return
    size = checks.positive_int("batch_size", batch_size)
    # copies: who keeps one does not keep all of the order
    parts = (order[first : first + size].copy() for first in range(start, len(order), size))
    if not data.store.reads_ahead:
        for rows in parts:
            yield _load_share(vae, data, rows[share.part(len(rows))], rows, share), rows
        return
    for rows, taken in read_ahead(lambda rows: data.store.take(rows[share.part(len(rows))]), parts):
        # dynamic pixels are drawn at their turn: between the noise of two steps, however far ahead was read
        values = data.input_of(taken, None, share.within(len(rows)))
        yield _batch_or_none(vae, data, values, rows[share.part(len(rows))]), rows


def _streamed(
    vae: VAE, data: Stream, seed: int, skip: int, batch_size: Optional[int], share: Share = WHOLE
) -> Iterator[tuple[Optional[Batch], np.ndarray]]:
    row = skip
    for part, count in data.shared_epoch(seed, skip, batch_size, share):
        rows = np.arange(row, row + count)
        values = part.values.astype(np.float32, copy=False)
        name = f"rows {row} to {rows[-1]} of the data"
        vae.generator.check_support(name, values)
        yield (_batch(vae, values, _numbered(vae, part.labels, name)) if len(values) else None), rows
        row += count


def _numbered(vae: VAE, labels: Optional[np.ndarray], name: str) -> Optional[np.ndarray]:
    """The labels of a batch of a stream, classes as the numbers that the model knows them by, checked."""
    if labels is None or not isinstance(vae, ConditionalVAE):
        return labels
    names = labels[labels != MISSING] if labels.dtype == object else labels[:0]
    if len(names) and vae.class_names is None and not vae.classes_are_numbers:
        raise ValueError(
            f"{name}: labels are names, such as {names[0]!r}, and those of all classes are not known before all "
            "batches are read: set them as vae.class_names"
        )
    try:
        return vae.label_values(labels, len(labels))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def to_device(vae: VAE, values: np.ndarray) -> Tensor:
    """Return an array as an NDArray on the device and in the dtype of a model."""
    return filled(lambda out: np.copyto(out, values), values.shape, vae.context, vae.dtype)
