"""Omniglot as Burda and others have it, and the cropped digits of SVHN, from MATLAB's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .known_set import KnownSet
from .opening import DataError, reading
from .readers.base import Rows
from .sources import Published


def _read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    from scipy.io import loadmat

    # a broken file makes scipy raise nearly anything
    with reading(path, "a file of MATLAB", Exception):
        content = loadmat(path, variable_names=names)
    missing = [name for name in names if name not in content]
    if missing:
        raise DataError(f"{path} has no {', '.join(missing)}")
    return [content[name] for name in names]


def _read_omniglot(paths: Sequence[Path]) -> dict[str, Rows]:
    """Read grey characters, 28×28 in [0, 1], with the names of the 50 alphabets as numbers."""
    (path,) = paths
    images, targets, test_images, test_targets = _read_arrays(path, "data", "target", "testdata", "testtarget")
    if images.ndim != 2 or len(images) != 784 or targets.shape[1:] != images.shape[1:]:
        raise DataError(f"{path} has data of shape {images.shape}, not (784, N)")
    train, test = _omniglot(images, targets), _omniglot(test_images, test_targets)
    # in the file they are in an order, of which the last would be no validation set
    order = np.random.default_rng(0).permutation(len(train.values))
    assert train.labels is not None
    return {"train": Rows(train.values[order], train.labels[order]), "test": test}


def _omniglot(columns: np.ndarray, targets: np.ndarray) -> Rows:
    """``columns`` is ``(784, N)``, the columns of an image one after the other; ``targets`` is one-hot, ``(50, N)``."""
    return Rows(columns.T.reshape(-1, 28, 28).swapaxes(1, 2).astype(np.float32), targets.argmax(axis=0))


def _read_svhn(paths: Sequence[Path]) -> dict[str, Rows]:
    return {part: _svhn(path) for part, path in zip(("train", "test"), paths)}


def _svhn(path: Path) -> Rows:
    images, labels = _read_arrays(path, "X", "y")  # (32, 32, 3, N), (N, 1)
    return Rows(np.ascontiguousarray(np.moveaxis(images, -1, 0)), labels.reshape(-1) % 10)  # 10 stands for 0


OMNIGLOT = KnownSet(
    title="Omniglot, characters of 50 alphabets",
    folder="omniglot",
    address=lambda: "https://github.com/yburda/iwae/raw/master/datasets/OMNIGLOT/",
    files=(Published("chardata.mat"),),
    read=_read_omniglot,
    licence="MIT (the drawings)",
    citation="Lake, Salakhutdinov and Tenenbaum, Human-level concept learning, 2015; in 28×28 by Burda, Grosse and "
    "Salakhutdinov, Importance weighted autoencoders, 2016",
    valid=1345,
    white=1.0,
)

SVHN = KnownSet(
    title="SVHN, the cropped digits of house numbers",
    folder="svhn",
    address=lambda: "http://ufldl.stanford.edu/housenumbers/",
    files=(
        Published("train_32x32.mat", "md5:e26dedcc434d2e4c54c9b2d4a06d8373"),  # as torchvision has it
        Published("test_32x32.mat", "md5:eb5a983be6a315427106f1b164d9cef3"),  # as torchvision has it
    ),
    read=_read_svhn,
    licence="for use that is not commercial",
    citation="Netzer, Wang, Coates, Bissacco, Wu and Ng, Reading digits in natural images, 2011",
)
