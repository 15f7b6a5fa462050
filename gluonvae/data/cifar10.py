"""CIFAR-10, small photographs, from its binary version: the other one is pickled, and running it would run code."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .known_set import KnownSet, named
from .opening import DataError, reading
from .readers.base import Rows
from .sources import Published

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its class, then the red, the green and the blue values, row by row."""
LARGEST = 10_000 * RECORD


def _read(paths: Sequence[Path]) -> dict[str, Rows]:
    (path,) = paths
    with reading(path, "CIFAR-10's archive", tarfile.TarError):
        batches = _batches(path)
    missing = {name for names in BATCHES.values() for name in names} - set(batches)
    if missing:
        raise DataError(f"{path} has no {', '.join(sorted(missing))}")
    return {part: _rows(b"".join(batches[name] for name in names)) for part, names in BATCHES.items()}


def _batches(path: Path) -> dict[str, bytes]:
    """Read the members that are wanted as they come; nothing is extracted."""
    wanted, batches = {name for names in BATCHES.values() for name in names}, {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            file = archive.extractfile(member) if name in wanted and member.isfile() else None
            if file is not None:
                if member.size % RECORD or member.size > LARGEST:
                    raise DataError(f"{path}: {member.name} has {member.size} bytes, not {RECORD} an image")
                batches[name] = file.read()
    return batches


def _rows(content: bytes) -> Rows:
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32)
    return Rows(np.ascontiguousarray(np.moveaxis(images, 1, -1)), named(records[:, 0], CLASSES))


CIFAR10 = KnownSet(
    title="CIFAR-10, small photographs",
    folder="cifar10",
    address=lambda: "https://www.cs.toronto.edu/~kriz/",
    files=(Published("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"),),
    read=_read,
    licence="none stated; its authors ask to be cited",
    citation="Krizhevsky, Learning multiple layers of features from tiny images, 2009",
)
