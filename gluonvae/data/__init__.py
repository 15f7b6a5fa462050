"""Data sets: the built-in ones by name, and images from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from .. import checks
from ..labels import has_classes
from .binarization import BINARIZATIONS
from .binarized_mnist import load_binarized_mnist
from .dataset import Dataset
from .digits import load_digits
from .few_labels import hide_labels, keep_few_labels
from .mnist import load_mnist
from .own import load_own
from .sources import DataError
from .splits import Splits, all_labels, split
from .streams import Stream

__all__ = [
    "BINARIZATIONS",
    "NAMES",
    "DataError",
    "Dataset",
    "Splits",
    "Stream",
    "all_labels",
    "has_classes",
    "hide_labels",
    "keep_few_labels",
    "load",
    "split",
]

NAMES = ("binarized_mnist", "digits", "mnist")
"""Names of the data sets that :func:`load` knows."""


def load(
    name: str, folder: Optional[str] = None, binarization: str = "dynamic", shape: Optional[Sequence[int]] = None
) -> Splits:
    """Load a data set.

    Parameters
    ----------
    name : str
        "digits" (5,000 MNIST digits that come with the library), "mnist", "binarized_mnist", or the path of a file
        or folder of images, see :func:`gluonvae.data.own.load_own`.
    folder : str, optional
        Folder with the files of "mnist" or "binarized_mnist". By default the folder in the environment variable
        ``GLUONVAE_DATA`` and Gluon's data folder are searched, and missing files are downloaded.
    binarization : str, default "dynamic"
        One of :data:`BINARIZATIONS`; without effect on "binarized_mnist".
    shape : Sequence[int], optional
        Shape of one image of your own files, such as ``(28, 28)``.

    Returns
    -------
    Splits
        Training, validation and test set.

    Raises
    ------
    DataError
        If a file is missing or broken, or images in your own files do not fit.
    ValueError
        If a name is unknown, or ``folder`` or ``shape`` does not apply to the data set.
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
