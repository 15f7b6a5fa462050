"""What a published data set is, and how its files become parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import numpy as np

from .readers.base import IMAGES, Contents, Rows
from .sources import Published, folders, obtain


class KnownSet(NamedTuple):
    """A published data set of images.

    The last images of the training set that was published are the validation set, as is the use with MNIST.
    """

    title: str
    folder: str
    """Name of the folder of its files, in those that are searched."""
    address: Callable[[], str]
    """Returns the address that its files are downloaded from, with a slash at the end."""
    files: tuple[Published, ...]
    read: Callable[[Sequence[Path]], dict[str, Rows]]
    """Called with the paths of the files; returns "train" and "test"."""
    licence: str
    citation: str
    valid: Optional[int] = None
    """Size of the validation set, by default a tenth of the training set."""
    white: float = 255.0
    """The value of full intensity."""


def read_set(known: KnownSet, folder: Optional[str] = None) -> Contents:
    """Find or download the files of a data set and read them.

    Parameters
    ----------
    known : KnownSet
        The data set.
    folder : str, optional
        Folder with its files; see :func:`gluonvae.data.sources.folders`.

    Returns
    -------
    Contents
        Its training, validation and test set, ``(N, H, W)`` or ``(N, H, W, 3)``, with labels.

    Raises
    ------
    DataError
        If ``folder`` is no folder, or a file cannot be downloaded, is broken or not the published one.
    """
    places = folders(known.folder, folder)
    address = known.address()
    # a file without a published digest is the only one of its set, so that it can be read as a check
    paths = [obtain(file, address, places, lambda path: known.read([path])) for file in known.files]
    parts = known.read(paths)
    images, labels, _ = parts["train"]
    cut = len(images) - (known.valid or len(images) // 10)
    train, valid = (
        Rows(images[rows], None if labels is None else labels[rows]) for rows in (slice(cut), slice(cut, None))
    )
    return Contents({"train": train, "valid": valid, "test": parts["test"]}, IMAGES, known.white)


def named(codes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return the names of classes that are given by their numbers, ``(N,)``."""
    return np.array(list(names))[codes]
