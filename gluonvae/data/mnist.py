"""MNIST from its four IDX files, compressed or not (LeCun, Cortes and Burges)."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Optional

import numpy as np

from ..backend.runtime import repository_of_gluon
from .dataset import Dataset
from .sources import DataError, download, find, folders
from .splits import Splits, drawn_once_but_train

VALID_IMAGES = 10_000
"""Size of the validation set: the last images of the training files."""


FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 digests of the published files, uncompressed."""


def load_mnist(folder: Optional[str] = None) -> Splits:
    """Load MNIST: 50,000 training, 10,000 validation and 10,000 test images, 28×28.

    The files are searched in ``folder``, in the folder in the environment variable ``GLUONVAE_DATA`` and in
    Gluon's data folder, and downloaded from Gluon's server if they are in none of them.

    Parameters
    ----------
    folder : str, optional
        Folder with the four files.

    Returns
    -------
    Splits
        The three sets, grey values 0 to 255, with classes 0 to 9 as labels.

    Raises
    ------
    DataError
        If ``folder`` is no folder, or a file cannot be downloaded, is broken or not the published one.
    """
    places = folders("mnist", folder)
    arrays = [_load(name, places) for name in FILES]
    train, test = (Dataset(images, (28, 28), "none", labels) for images, labels in (arrays[:2], arrays[2:]))
    cut = len(train) - VALID_IMAGES
    return drawn_once_but_train(train.subset(slice(cut)), train.subset(slice(cut, None)), test)


def _load(name: str, places: list[Path]) -> np.ndarray:
    path = find([name, f"{name}.gz"], places)
    if path is None:
        url = f"{repository_of_gluon()}/gluon/dataset/mnist/{name}.gz"
        path = download(url, places[0] / f"{name}.gz", lambda part: _read(part, name))
    try:
        return _read(path, name)
    except DataError as error:
        raise DataError(f"{path}: {error}; delete the file, and it is downloaded anew") from error


def _read(path: Path, name: str) -> np.ndarray:
    """Read an IDX file, which may be compressed: 0, 0, 8 for bytes, the number of axes, their sizes, the values."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file is broken ({error})") from error
    if hashlib.sha256(content).hexdigest() != FILES[name]:
        raise DataError(f"{len(content)} bytes that are not MNIST's {name} (another digest)")
    shape = np.frombuffer(content, ">i4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
