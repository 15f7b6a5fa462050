"""Data sets: those known by name, and a user's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from .. import checks
from .binarized_mnist import load_binarized_mnist
from .dataset import BINARIZATIONS, Dataset, Splits, as_images, split
from .digits import load_digits
from .few_labels import keep_few_labels
from .mnist import load_mnist
from .own import load_own
from .sources import DataError

__all__ = ["BINARIZATIONS", "NAMES", "DataError", "Dataset", "Splits", "as_images", "keep_few_labels", "load", "split"]

NAMES = ("binarized_mnist", "digits", "mnist")
"""The data sets that :func:`load` knows by name."""


def load(
    name: str, folder: Optional[str] = None, binarization: str = "dynamic", shape: Optional[Sequence[int]] = None
) -> Splits:
    """A data set in its three parts, training, validation and test.

    Parameters
    ----------
    name : "digits" (comes with the library), "mnist", "binarized_mnist", or the path of a file
        or folder of your own, see :func:`gluonvae.data.own.load_own`.
    folder : where the files of "mnist" or "binarized_mnist" lie; see ``load_mnist`` and
        ``load_binarized_mnist`` for where they are looked for otherwise.
    binarization : one of :data:`BINARIZATIONS`; "binarized_mnist" is binary already.
    shape : of one image of your own data, such as ``(28, 28)``.

    Raises :class:`DataError` for missing or broken files, ValueError for an unknown name or
    images that do not fit.
    """
    if name in NAMES and shape is not None:
        raise ValueError(f"shape is for your own data: images of {name} are 28×28")
    if folder is not None and name not in ("mnist", "binarized_mnist"):
        raise ValueError(f"a data folder is for mnist and binarized_mnist: {name} has its own place")
    checks.known_name("binarization", binarization, BINARIZATIONS)
    if name == "digits":
        return load_digits(binarization)
    if name == "mnist":
        return load_mnist(folder, binarization)
    if name == "binarized_mnist":
        return load_binarized_mnist(folder)
    path = Path(name).expanduser()
    if not (path.exists() or path.suffix or len(path.parts) > 1):
        checks.known_name("data set", name, NAMES)
    return load_own(path, shape, binarization)
