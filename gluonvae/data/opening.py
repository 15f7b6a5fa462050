"""Opening files that may be anything: only regular ones, unpacked within bounds."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional, cast

ROOM = 256 << 20
"""Bytes that any compressed file may be unpacked to."""

RATIO = 100
"""How many times its own size a file may be unpacked to where that is more than :data:`ROOM`. Photographs and text
pack to a half or a tenth; a file of nothing but zeros, made to fill the memory, to a thousandth."""


BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, ValueError)
"""Errors of reading a broken file."""


class DataError(ValueError):
    """A data file is missing, broken or not the expected one. The message names the file and a remedy."""


def check_file(path: Path, folder: Optional[Path] = None) -> None:
    """Check that a path is a regular file that may be read.

    Parameters
    ----------
    path : Path
        The path.
    folder : Path, optional
        The folder that the user named; a link that leads out of it is not followed.

    Raises
    ------
    DataError
        If it is anything else: missing, a folder, a pipe, a device, or without permission.
    """
    try:
        mode = path.stat().st_mode
        outside = folder is not None and folder.resolve() not in path.resolve().parents
    except FileNotFoundError:
        link = "a link to nothing" if path.is_symlink() else "missing: there is nothing of that name"
        raise DataError(f"{path} is {link}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be opened: {error}") from error
    if outside:
        raise DataError(f"{path} is a link out of the folder, which is not followed: put the file itself there")
    if stat.S_ISDIR(mode):
        raise DataError(f"{path} is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path} is a pipe or a device, not a file: save what comes from it first")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} may not be read by this user: change its permissions")


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file that may be read."""
    try:
        check_file(path)
    except DataError:
        return False
    return True


def first_bytes(path: Path, count: int = 16) -> bytes:
    """Return the first bytes of a file, unpacked; none if there is no such file or it is broken."""
    if not is_file(path):
        return b""
    try:
        with open_unpacked(path) as file:
            return file.read(count)
    except BROKEN:
        return b""


def limit(path: Path) -> int:
    """Return the number of bytes that a compressed file may be unpacked to."""
    return max(ROOM, RATIO * path.stat().st_size)


def check_unpacked_size(path: Path, size: int) -> None:
    """Check what a file says that it holds, in bytes, before memory is asked for.

    Raises
    ------
    DataError
        If it is more than :func:`limit`.
    """
    if size > limit(path):
        raise DataError(
            f"{path} has {path.stat().st_size:,} bytes and would unpack to {size:,}, more than {RATIO} times as many: "
            "if that is right, save it without compression"
        )


class _Unpacked(io.RawIOBase):
    """The content of a gzip file, up to a number of bytes."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path)
        self._path, self._limit, self._count = path, limit(path), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # of the protocol of buffers
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._count += len(content)
        if self._count > self._limit:
            check_unpacked_size(self._path, self._count)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file for reading bytes, those that it is the gzip of where it begins as gzip.

    Reading raises DataError beyond :func:`limit`, and OSError, EOFError or zlib.error where the file is broken, see
    :func:`reading`.
    """
    return cast(BinaryIO, io.BufferedReader(_Unpacked(path), 1 << 16)) if is_gzip(path) else open(path, "rb")


def is_gzip(path: Path) -> bool:
    """Return whether a file begins as gzip does."""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def reading(path: Path, what: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn the errors of reading a file into DataError, which names it.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it was read as, for the message, such as "a table".
    *errors : type[Exception]
        Further exceptions of the library that reads.
    """
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory") from error
    except (*BROKEN, *errors) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{path} cannot be read as {what}: {said[0]}") from error
