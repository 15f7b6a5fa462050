"""What is known of the runs in a folder, from their files alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

from .config import Config, RunError, read_config
from .run import CONFIG, METRICS
from .status import INTERRUPTED, LOCK, RUNNING, read_status

BROKEN = "broken"
"""The status of a run whose config.json cannot be read."""


class Standing(NamedTuple):
    """Where a run stands."""

    folder: Path
    status: str
    """One of :mod:`gluonvae.training.status`, :data:`BROKEN`, or "unknown" of runs of older versions. A run whose
    process has gone without a word, as where it was killed, is interrupted."""
    epochs: int
    """How many have been trained."""
    best: Optional[float]
    """The best bound on the validation data, in nats per data point."""
    config: Optional[Config]
    message: str
    """Why it has failed, or cannot be read."""
    started: str
    """When, in ISO 8601; empty if it is not known."""


def find_runs(folder: Path) -> Iterator[Path]:
    """Yield the folders of runs in a folder, at any depth, or the folder itself where it is one.

    Parameters
    ----------
    folder : Path
        Where to look; links to folders are not followed.
    """
    for place, folders, files in os.walk(folder):
        if CONFIG in files and {METRICS, LOCK, "status.json", "model.params"} & {*files}:
            folders.clear()
            yield Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def standing(folder: Path) -> Standing:
    """Return where a run stands. Nothing is written, and a run that is being trained is not disturbed.

    Parameters
    ----------
    folder : Path
        The folder of a run.
    """
    status = read_status(folder)
    rows, message = _rows(folder / METRICS), str(status.get("message", ""))
    how = str(status.get("status", "unknown"))
    if how == RUNNING and not _is_locked(folder / LOCK):
        how = INTERRUPTED
    config: Optional[Config] = None
    try:
        config = read_config(folder / CONFIG)
    except RunError as error:
        how, message = BROKEN, str(error)
    bounds = [row["valid_bound"] for row in rows if isinstance(row.get("valid_bound"), (int, float))]
    return Standing(folder, how, len(rows), max(bounds, default=None), config, message, str(status.get("started", "")))


def _rows(path: Path) -> list[dict[str, Any]]:
    """The epochs' metrics; lines that cannot be read are left out."""
    rows: list[dict[str, Any]] = []
    if not path.is_file():
        return rows
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                row = json.loads(line)
                rows += [row] if isinstance(row, dict) else []
    return rows


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a run; so it is where that cannot be told."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
