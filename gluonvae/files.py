"""Files that are written whole or not at all, and strict JSON."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, NoReturn, Optional, Union

_PART = re.compile(r"\..*\.[0-9a-f]{16}\.part(\.[^.]*)?")
"""Names of the temporary files of :func:`replacing`."""

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EROFS}
"""Errors of a file system that cannot synchronise a folder."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file atomically: context manager for a temporary file that replaces ``path`` at the end.

    The temporary file has a random name and is created exclusively, so that no link or file that lies there is
    written to. It is on the disk before it replaces ``path``. If the block raises, or the disk is full, the temporary
    file is removed and ``path`` is unchanged. Missing folders are created.

    Parameters
    ----------
    path : Path
        The file to write.

    Yields
    ------
    Path
        The temporary file to write to, in the same folder and with the same suffix.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.part{path.suffix}")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    try:
        yield part
        _sync(part, os.O_RDWR | os.O_NOFOLLOW)
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path, flags: int) -> None:
    """Wait until a file is on the disk; raise OSError for what could not be written."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can tell."""
    try:
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Hold a folder for this process: context manager in which no other process is inside the same one.

    The lock is on the folder itself and leaves no file. It ends with the process that holds it, however that ends.
    On a file system without locks there is none.

    Parameters
    ----------
    folder : Path
        The folder, which is created if it is missing.
    seconds : float
        How long to wait for another process.

    Raises
    ------
    TimeoutError
        If another process holds it all that time.
    OSError
        If the folder cannot be created or opened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + seconds
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has been at work in {folder} for {seconds:.0f} seconds")
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # this file system has no locks
        return True
    return True


def sweep(folder: Path) -> None:
    """Remove the temporary files that processes which were killed left in a folder. Nothing may be writing there."""
    for path in filter(is_part, folder.iterdir()):
        path.unlink()


def is_part(path: Path) -> bool:
    """Return whether a path is a temporary file of :func:`replacing`."""
    return _PART.fullmatch(path.name) is not None and (path.is_symlink() or path.is_file())


def written_by(save: Callable[[str], object]) -> bytes:
    """Return what a function writes to the file that it is called with.

    The file is in memory. MXNet does not notice that a disk is full, so that what it saves is collected here and
    written by :func:`write_bytes`.

    Parameters
    ----------
    save : Callable[[str], object]
        Called with the path of the file.
    """
    descriptor = os.memfd_create("gluonvae")
    with open(descriptor, "rb") as file:
        save(f"/proc/self/fd/{descriptor}")
        file.seek(0)
        return file.read()


def read_by(load: Callable[[str], object], content: bytes) -> None:
    """Have a function read what is in memory, as :func:`written_by` returned it, from a file.

    Parameters
    ----------
    load : Callable[[str], object]
        Called with the path of the file, which is in memory.
    content : bytes
        What the file has.
    """
    with open(os.memfd_create("gluonvae"), "wb", buffering=0) as file:
        file.write(content)
        load(f"/proc/self/fd/{file.fileno()}")


def write_bytes(path: Path, content: Union[bytes, memoryview]) -> None:
    """Write a file atomically."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    write_bytes(path, f"{as_json(content, indent=2)}\n".encode())


def append_line(path: Path, line: str) -> None:
    """Add a line to a file. If it cannot be written whole, the file is as it was."""
    with open(path, "ab", buffering=0) as file:
        size = file.tell()
        content = f"{line}\n".encode()
        try:
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise


def as_json(content: object, indent: Optional[int] = None) -> str:
    """Return strict JSON, in which NaN and infinity are null, as JSON has no such numbers.

    Parameters
    ----------
    content : object
        Mappings, sequences, text and numbers.
    indent : int, optional
        As for ``json.dumps``.

    Returns
    -------
    str
        The text.
    """
    return json.dumps(_finite_or_none(content), indent=indent, allow_nan=False)


def _finite_or_none(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite_or_none(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite_or_none(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def parse_json(text: str) -> Any:
    """Parse strict JSON: without NaN, infinity, numbers beyond float64 and objects with a key twice.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    object
        What it stands for.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from error
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return content
