"""Decoded images in files, so that they are decoded once."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from ...backend.runtime import cache_folder
from ...files import is_part, parse_json, replacing, write_json
from ..sources import DataError

_log = logging.getLogger(__name__)

MOST_BYTES = 1 << 34
"""The size of all files in the cache, beyond which those that were not used for longest are removed."""

ABANDONED = 24 * 3600
"""Age in seconds of a temporary file that no process writes to any more."""

Empty = Callable[[tuple[int, ...], np.dtype], np.ndarray]
"""Makes an array to write to, of a shape and dtype. The last that is made is kept."""


class Decoded(NamedTuple):
    """Images, and what is to be said of them."""

    values: np.ndarray
    """``(N, H, W)`` or ``(N, H, W, 3)``."""
    white: float
    """The value of full intensity."""
    left_out: dict[int, str]
    """What is wrong with the files that were left out, by their index."""


def digest(items: Iterable[object]) -> str:
    """Return a digest of what images are made of."""
    total = hashlib.sha256()
    for item in items:
        total.update(repr(item).encode("utf-8", "surrogateescape") + b"\n")
    return total.hexdigest()


def cached(key: str, decode: Callable[[Empty], Decoded]) -> Decoded:
    """Return decoded images from the cache, or decode them into it.

    The cache is the folder ``images`` in ``GLUONVAE_CACHE``, by default in ``~/.cache/gluonvae``. Where it cannot be
    written to, the images are decoded into memory. Several processes may use it at once.

    Parameters
    ----------
    key : str
        A digest of all that the images depend on.
    decode : Callable[[Empty], Decoded]
        Decodes them, into an array that it asks for.

    Returns
    -------
    Decoded
        With ``values`` mapped into memory, to be read only.

    Raises
    ------
    DataError
        If images that cannot be kept in files do not fit into memory.
    """
    folder = cache_folder()
    if folder is None:
        return decode(_in_memory)
    path = folder / "images" / f"{key}.npy"
    known = _load(path)
    if known is not None:
        return known
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as part:
            decoded = decode(lambda shape, dtype: _mapped(part, shape, dtype))
        # written last: without it, images do not count
        write_json(_facts(path), {"white": decoded.white, "left_out": {**decoded.left_out}})
        _tidy(path)
    except OSError as error:
        _log.warning("decoded images cannot be kept in %s (%s): GLUONVAE_CACHE names another", folder, error.strerror)
        return decode(_in_memory)
    return _load(path) or decoded


def _facts(path: Path) -> Path:
    return path.with_suffix(".json")


def _load(path: Path) -> Optional[Decoded]:
    """Return what is kept, or None if that is nothing or broken."""
    try:
        facts: Any = parse_json(_facts(path).read_text(encoding="ascii"))
        left_out = {int(index): reason for index, reason in facts["left_out"].items()}
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used now
    return Decoded(values, facts["white"], left_out)


def _mapped(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Map a new file into memory, on a disk that has room for it: a full one would end the process at a write."""
    path.unlink(missing_ok=True)
    values = np.lib.format.open_memmap(path, "w+", dtype, shape)
    with open(path, "rb+") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return values


def _in_memory(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > available:
        raise DataError(
            f"images of shape {shape} take {size / 1e9:.1f} GB, memory has {available / 1e9:.1f}: make them smaller, "
            "or let GLUONVAE_CACHE name a folder with room for them"
        )
    return np.empty(shape, dtype)


def _tidy(new: Path) -> None:
    """Remove files of the cache that were not used for longest, and temporary ones that were abandoned."""
    files = []
    for path in new.parent.iterdir():
        with contextlib.suppress(OSError):  # another process removes it
            status = path.stat()
            if is_part(path) and time.time() - status.st_mtime > ABANDONED:
                path.unlink()
            elif path.suffix == ".npy" and len(path.stem) == len(new.stem) and path != new:
                files.append((status.st_mtime_ns, status.st_size, path))
    room = MOST_BYTES - new.stat().st_size
    for _, size, path in sorted(files, reverse=True):
        room -= size
        if room < 0:
            for old in (_facts(path), path):
                old.unlink(missing_ok=True)
