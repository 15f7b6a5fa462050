"""The part of each batch of a Gluon ``DataLoader`` that a worker reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..distributed.sharing import Share


class PartSampler:
    """A batch sampler whose batches are the parts of another's that a worker has.

    Parameters
    ----------
    whole : gluon.data.Sampler
        Of batches of indices.
    share : Share
    """

    def __init__(self, whole: Any, share: Share) -> None:
        self._whole, self._share = whole, share
        self.sizes: deque[int] = deque()
        """Of the whole batches that were given out, whose parts may be read later."""

    def __len__(self) -> int:
        return len(self._whole)

    def __iter__(self) -> Iterator[list[Any]]:
        # all at first: what draws as it goes would draw between the items, of which each worker has others
        for indices in [list(batch) for batch in self._whole]:
            self.sizes.append(len(indices))
            # a batch cannot be empty: of a part without a row one is read for nothing
            yield indices[self._share.part(len(indices))] or indices[:1]


@contextmanager
def reading_parts(loader: Any, share: Share) -> Iterator[PartSampler]:
    """Context manager in which a ``DataLoader`` yields the parts of its batches."""
    whole = loader._batch_sampler
    loader._batch_sampler = PartSampler(whole, share)
    try:
        yield loader._batch_sampler
    finally:
        loader._batch_sampler = whole
