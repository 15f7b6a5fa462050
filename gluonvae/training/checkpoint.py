"""Checkpoints: the state of a training as a file, in NumPy's ``.npz`` format.

A checkpoint is a dictionary of plain values and a dictionary of arrays. Its file also has the SHA-256 digest of both,
which is verified when it is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from ..files import as_json, write_bytes

_log = logging.getLogger(__name__)

STATE, DIGEST = "state", "sha256"
KEPT = 2
"""How many checkpoints are kept: where the last one cannot be read, training goes on from the one before."""

_NAME = re.compile(r"step-(\d{9,})\.npz")


class CheckpointError(ValueError):
    """A checkpoint is missing or damaged, or of another training."""


class Checkpoint(NamedTuple):
    """The state of a training."""

    state: dict[str, Any]
    """Plain values, as JSON knows them."""
    arrays: dict[str, np.ndarray]
    """Arrays by name."""


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    arrays = {**checkpoint.arrays, STATE: np.frombuffer(as_json(checkpoint.state).encode(), np.uint8)}
    content = io.BytesIO()
    # as np.savez, which does not close what it was writing to when a signal interrupts it
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in {**arrays, DIGEST: _digest(arrays)}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    write_bytes(path, content.getbuffer())


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        digest = arrays.pop(DIGEST)
        if not np.array_equal(digest, _digest(arrays)):
            raise ValueError("its digest is another")
        state = json.loads(arrays.pop(STATE).tobytes())
    except Exception as error:  # whatever NumPy and zipfile make of a damaged file
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error}") from error
    return Checkpoint(state, arrays)


def _digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the SHA-256 digest of the names, dtypes, shapes and values of arrays, as bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return np.frombuffer(digest.digest(), np.uint8)


def add(folder: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write the checkpoint after ``step`` steps to a folder, and remove those that are no longer needed."""
    path = folder / f"step-{step:09d}.npz"
    write(path, checkpoint)
    paths = found(folder)
    # later ones are damaged, or training would have gone on from them
    for other in (*paths[: paths.index(path)], *paths[paths.index(path) + KEPT :]):
        other.unlink(missing_ok=True)


def found(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, the last first."""
    if not folder.is_dir():
        return []
    steps = {path: int(match[1]) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}
    return sorted(steps, key=steps.__getitem__, reverse=True)


def last(folder: Path) -> Optional[Checkpoint]:
    """Read the last checkpoint in a folder that is not damaged; None where there are none.

    Raises
    ------
    CheckpointError
        If all are damaged.
    """
    paths = found(folder)
    for path in paths:
        try:
            return read(path)
        except CheckpointError as error:
            _log.warning("%s", error)
    if paths:
        raise CheckpointError(f"no checkpoint in {folder} can be read: start the training again, in another folder")
    return None
