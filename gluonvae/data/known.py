"""The published data sets, by name."""

from __future__ import annotations

from typing import Optional

from .. import checks
from .cifar10 import CIFAR10
from .emnist import EMNIST
from .known_set import KnownSet, read_set
from .matlab_sets import OMNIGLOT, SVHN
from .mnist import FASHION_MNIST, KMNIST, MNIST
from .readers.base import Contents

KNOWN: dict[str, KnownSet] = {
    "cifar10": CIFAR10,
    **EMNIST,
    "fashion_mnist": FASHION_MNIST,
    "kmnist": KMNIST,
    "mnist": MNIST,
    "omniglot": OMNIGLOT,
    "svhn": SVHN,
}
"""Data sets that are downloaded when they are first used."""


def read_known(name: str, folder: Optional[str] = None) -> Contents:
    """Read a published data set, which is downloaded if its files are in none of the folders that are searched.

    Parameters
    ----------
    name : str
        One of :data:`KNOWN`.
    folder : str, optional
        Folder with its files; see :func:`gluonvae.data.sources.folders`.

    Returns
    -------
    Contents
        Its training, validation and test set, ``(N, H, W)`` or ``(N, H, W, 3)``, with labels: names where the
        classes have names, else numbers.

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If a file cannot be downloaded, is broken or not the published one.
    """
    return read_set(KNOWN[checks.known_name("data set", name, KNOWN)], folder)
