"""Data that come batch by batch: a Gluon ``DataLoader``, or any object that yields its batches anew each time."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.runtime import mx
from ..distributed.sharing import Share
from ..labels import MISSING, as_labels, as_they_are, is_missing
from .loader_parts import reading_parts
from .rounding import may_be_rounded, warn_of_rounded
from .stores import InMemory
from .summary import summarize

_END = object()


class Streamed(NamedTuple):
    """Some rows of a stream."""

    values: np.ndarray
    """``(B, X)``."""
    labels: Optional[np.ndarray]
    """``(B,)`` or ``(B, C)``; of classes by name the names, -1 where one is missing."""


class Stream:
    """Batches of data points, which are read in the order in which they come, once an epoch.

    A batch is an array ``(B, X)`` or ``(B, *shape)``, of NumPy or an NDArray, or a pair, a list or tuple, of such an
    array and the labels, ``(B,)`` or ``(B, C)``. All batches have the same shape but for B. The values are taken as
    they are, and checked as they come. Labels may be names where the model knows those of all classes: where they are
    set as its ``class_names``, or it has met them in a Dataset.

    What a ``DataLoader`` shuffles by, and transforms in the same process draw by, NumPy's global generator, is seeded
    from :func:`gluonvae.seed` for each epoch and left to others as it was.

    Parameters
    ----------
    batches : Iterable
        Yields all batches each time it is iterated over.

    Raises
    ------
    TypeError
        If it is an iterator, which yields its batches once, or a batch is none of these.
    ValueError
        If there is no batch, or batches have different shapes.
    """

    things = "rows"
    labels = None
    class_names = None
    split_seed = None
    limits = None

    def __init__(self, batches: Iterable[Any]) -> None:
        if iter(batches) is batches:
            raise TypeError(
                f"{type(batches).__name__} yields its batches once, and each epoch needs all of them: give an object "
                "whose __iter__ starts anew, such as a DataLoader"
            )
        self.batches = batches
        first = next(self._read(0), None)
        if first is None:
            raise ValueError("there is no batch in the data")
        self.shape = first[0].shape[1:]
        self.width = int(np.prod(self.shape))
        self.batch_size = len(first[0])
        """Rows of the first batch."""
        self.has_labels = first[1] is not None
        self._rows: Optional[int] = None
        self._hides_labels = False
        self._warns_of_rounded = True

    def __repr__(self) -> str:
        return f"Stream({type(self.batches).__name__} of {self.shape})"

    def digest(self) -> str:
        """Return a fingerprint of what is known without reading the batches: the shape of a data point, and labels."""
        return hashlib.sha256(repr((self.shape, self.has_labels)).encode()).hexdigest()

    def blocks(self) -> Iterable[np.ndarray]:
        """Return all data points in blocks of float64, which are read anew each time."""
        return StreamBlocks(self)

    def drawn_once(self, seed: int = 0) -> Stream:
        """Return this, whose values are taken as they are; see :meth:`Dataset.drawn_once`."""
        return self

    def without_labels(self) -> Stream:
        """Return the same data points, whose labels are all missing."""
        hidden = copy.copy(self)
        hidden.has_labels, hidden._hides_labels = True, True
        return hidden

    def __len__(self) -> int:
        """The number of data points, for which all batches are read once."""
        if self._rows is None:
            self._rows = sum(len(part.values) for part in self.epoch(0))
        return self._rows

    @property
    def known_rows(self) -> Optional[int]:
        """The number of data points, where it is known without reading all batches."""
        return self._rows

    def epoch(self, seed: int, skip: int = 0, size: Optional[int] = None) -> Iterator[Streamed]:
        """Yield all data points once.

        Parameters
        ----------
        seed : int
            Seeds NumPy's generator for what is shuffled or drawn by it.
        skip : int
            How many data points to leave out at the beginning.
        size : int, optional
            Rows to yield at once; by default as many as a batch has.

        Raises
        ------
        ValueError, TypeError
            For a batch that is unlike the first.
        """
        kept: list[Streamed] = []
        read = 0
        for values, labels in self._read(seed):
            part = self._checked(values, labels)
            read += len(part.values)
            if read <= skip:
                continue
            new = min(len(part.values), read - skip)
            kept.append(_cut(part, slice(len(part.values) - new, None)))
            if size is None:
                yield kept.pop()
                continue
            yield from _full(kept, size)
        if kept and len(kept[0].values):
            yield _joined(kept)
        if not read:
            raise ValueError(
                f"{type(self.batches).__name__} yields no batch when it is iterated over again: its __iter__ must "
                "start anew each time"
            )
        self._rows = read

    def shared_epoch(self, seed: int, skip: int, size: Optional[int], share: Share) -> Iterator[tuple[Streamed, int]]:
        """Yield a worker's part of what :meth:`epoch` yields, and the number of rows of the whole.

        Of a ``DataLoader`` whose batches are taken as they are only the part is read; of other iterables all is.
        """
        if share.size > 1 and size is None and not skip and isinstance(self.batches, mx.gluon.data.DataLoader):
            read = 0
            with reading_parts(self.batches, share) as sampler:
                for values, labels in self._read(seed):
                    rows = sampler.sizes.popleft()
                    part, read = share.part(rows), read + rows
                    count = part.stop - part.start
                    if len(values) != max(1, count):
                        raise ValueError(
                            f"the DataLoader makes {len(values)} rows of {max(1, count)} items: several workers need a "
                            "row for each, or an iterable of batches, of which each reads all"
                        )
                    yield _cut(self._checked(values, labels), slice(count)), rows
            self._rows = read
            return
        for whole in self.epoch(seed, skip, size):
            yield _cut(whole, share.part(len(whole.values))), len(whole.values)

    def _read(self, seed: int) -> Iterator[tuple[np.ndarray, Optional[np.ndarray]]]:
        """The batches, each read with NumPy's generator as this stream left it."""
        own = np.random.RandomState(seed % 2**32).get_state()
        iterator: Optional[Iterator[Any]] = None
        while True:
            others = np.random.get_state()
            np.random.set_state(own)
            try:
                iterator = self._start() if iterator is None else iterator
                batch = next(iterator, _END)
            finally:
                own = np.random.get_state()
                np.random.set_state(others)
            if batch is _END:
                return
            yield _parts(batch)

    def _start(self) -> Iterator[Any]:
        if isinstance(self.batches, mx.gluon.data.DataLoader) and hasattr(self.batches, "refresh"):
            self.batches.refresh()  # it has shuffled ahead
        return iter(self.batches)

    def _checked(self, values: np.ndarray, labels: Optional[np.ndarray]) -> Streamed:
        checks.numeric("batches", values.dtype)
        if values.shape[1:] != self.shape:
            raise ValueError(f"a batch has data points of shape {values.shape[1:]}, the first has {self.shape}")
        if self._hides_labels or (labels is not None and _all_missing(labels)):
            labels = np.full(len(values), MISSING)
        if (labels is not None) != self.has_labels:
            raise ValueError("some batches have labels and others have none")
        if values.dtype.kind == "f" and np.isinf(values).any():
            checks.finite("a batch", values)
        rows = values.reshape(len(values), -1)
        if self._warns_of_rounded and may_be_rounded(rows):
            store = InMemory(rows)
            self._warns_of_rounded = not warn_of_rounded("a batch", store, summarize("a batch", store))
        if labels is None:
            return Streamed(rows, None)
        checked = as_labels(labels, len(rows))
        if checked.names is None:
            return Streamed(rows, checked.values)
        # the numbers of this batch are not those of the next
        return Streamed(rows, np.array([*checked.names, MISSING], object)[checked.values])


class StreamBlocks:
    """The batches of a stream as float64, each time anew."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[np.ndarray]:
        return (part.values.astype(np.float64) for part in self._stream.epoch(0))


def _parts(batch: Any) -> tuple[np.ndarray, Optional[np.ndarray]]:
    """The values and labels of a batch."""
    if isinstance(batch, (list, tuple)):
        if not 1 <= len(batch) <= 2:
            raise TypeError(f"a batch must be an array, or a pair of an array and labels, got {len(batch)} parts")
        values, labels = as_numpy(batch[0]), as_numpy(as_they_are(batch[1])) if len(batch) == 2 else None
    else:
        values, labels = as_numpy(batch), None
    if values.ndim < 2 or not values.size:
        raise ValueError(f"a batch must have shape (B, X) or (B, *shape), got {values.shape}")
    return values, labels


def _all_missing(labels: np.ndarray) -> bool:
    """Whether no label of a batch is known, as may be by chance where few are."""
    return labels.ndim == 1 and labels.dtype.kind in "fOSU" and all(map(is_missing, labels))


def _cut(part: Streamed, rows: slice) -> Streamed:
    return Streamed(part.values[rows], None if part.labels is None else part.labels[rows])


def _joined(parts: list[Streamed]) -> Streamed:
    labels = [part.labels for part in parts if part.labels is not None]
    return Streamed(np.concatenate([part.values for part in parts]), np.concatenate(labels) if labels else None)


def _full(kept: list[Streamed], size: int) -> Iterator[Streamed]:
    """Yield as many rows as are wanted, as often as there are, and keep the rest."""
    if sum(len(part.values) for part in kept) < size:
        return
    whole = _joined(kept)
    last = len(whole.values) // size * size
    for start in range(0, last, size):
        yield _cut(whole, slice(start, start + size))
    kept[:] = [_cut(whole, slice(last, None))] if last < len(whole.values) else []
