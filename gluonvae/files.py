"""Atomic writing of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file atomically: context manager for a temporary file that replaces ``path`` at the end.

    If the block raises, the temporary file is removed and ``path`` is unchanged. Missing folders are created.

    Parameters
    ----------
    path : Path
        The file to write.

    Yields
    ------
    Path
        The temporary file to write to, in the same folder and with the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
