"""Where a run stands, and the lock of the process that is training."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

from ..files import write_json
from .config import RunError

_log = logging.getLogger(__name__)

STATUS, LOCK = "status.json", "lock"
RUNNING, FINISHED, INTERRUPTED, DIVERGED, FAILED = "running", "finished", "interrupted", "diverged", "failed"

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}
"""Errors of a file system that has no locks."""


class Lock:
    """The lock of a folder. The operating system releases it when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    RunError
        If another training holds it.
    """

    _held: ClassVar[set[Lock]] = set()

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                self.release()
                raise RunError(
                    f"{folder} is in use by another training{_holder(folder)}: wait for its end, or name another folder"
                ) from error
            _log.warning("the file system of %s has no locks: see to it that no other training writes there", folder)
        if not self.is_there():
            self.release()
            raise RunError(f"{folder} was removed by another training: try again")
        Lock._held.add(self)

    def is_there(self) -> bool:
        """Return whether the file that is locked still has its name: it may have been removed, with its folder."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def release(self) -> None:
        """Give the folder free."""
        Lock._held.discard(self)
        os.close(self._descriptor)

    @classmethod
    def _close_in_child(cls) -> None:
        """Let go of the locks of the parent: a child that outlives it would keep them."""
        for lock in list(cls._held):
            lock.release()


os.register_at_fork(after_in_child=Lock._close_in_child)


def _holder(folder: Path) -> str:
    status = read_status(folder)
    return f", process {status['process']} on {status['host']}" if {"process", "host"} <= status.keys() else ""


def read_status(folder: Path) -> dict[str, Any]:
    """Return what status.json says; nothing where it is missing, as in the runs of older versions, or broken."""
    path = folder / STATUS
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_status(folder: Path, status: str, started: str, **more: Any) -> None:
    """Write status.json: the status, this process and the time, and what else there is to say."""
    write_json(
        folder / STATUS,
        {
            "status": status,
            "host": platform.node(),
            "process": os.getpid(),
            "started": started,
            "changed": now(),
            **more,
        },
    )


def now() -> str:
    """Return the time in ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
