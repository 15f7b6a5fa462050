"""MNIST as its four IDX files, compressed or not (LeCun, Cortes and Burges)."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from ..backend.runtime import repository_of_gluon
from .dataset import Dataset, Splits, drawn_once_but_train
from .sources import DataError, download, find, folders

VALID_IMAGES = 10_000
"""The last images of the training files, kept apart for validation."""


class _File(NamedTuple):
    name: str
    sha256: str
    """Of the decompressed bytes: gzip files of the same data differ."""
    shape: tuple[int, ...]


FILES = {
    "train_images": _File(
        "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", (60_000, 28, 28)
    ),
    "train_labels": _File(
        "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", (60_000,)
    ),
    "test_images": _File(
        "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", (10_000, 28, 28)
    ),
    "test_labels": _File(
        "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", (10_000,)
    ),
}


def load_mnist(folder: Optional[str] = None, binarization: str = "dynamic") -> Splits:
    """50,000 training, 10,000 validation and 10,000 test images, 28×28.

    The files are looked for in ``folder``, in ``GLUONVAE_DATA`` and in Gluon's own folder, and
    downloaded from where Gluon gets them if they are in none. Raises DataError for a file that
    is missing, broken or another.
    """
    places = folders("mnist", folder)
    parts = {part: _load(file, places) for part, file in FILES.items()}
    train, test = (
        Dataset(parts[f"{part}_images"], (28, 28), binarization, parts[f"{part}_labels"]) for part in ("train", "test")
    )
    cut = len(train) - VALID_IMAGES
    return drawn_once_but_train(train.subset(slice(cut)), train.subset(slice(cut, None)), test)


def _load(file: _File, places: list[Path]) -> np.ndarray:
    path = find([file.name, f"{file.name}.gz"], places)
    if path is None:
        url = f"{repository_of_gluon()}/gluon/dataset/mnist/{file.name}.gz"
        path = download(url, places[0] / f"{file.name}.gz", lambda part: _read(part, file))
    try:
        return _read(path, file)
    except DataError as error:
        raise DataError(f"{path}: {error}; delete the file, and it is downloaded anew") from error


def _read(path: Path, file: _File) -> np.ndarray:
    """The array in an IDX file. Raises DataError, saying only what is wrong, where its decompressed
    bytes have not the digest they should have."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file is broken ({error})") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DataError(f"{len(content)} bytes that are not MNIST's {file.name} (another digest)")
    header = 4 + 4 * len(file.shape)
    return np.frombuffer(content, np.uint8, offset=header).reshape(file.shape)
