"""The processes of a group on one host, and the cores that each may use, for :mod:`gluonvae.launching.agent`.

The agent is sent this file as text: it needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from .lines import Lines

PR_SET_PDEATHSIG = 1


class Process:
    """A process of the group, in a session of its own, which holds whatever it starts."""

    def __init__(self, spec: Mapping[str, Any], cores: Sequence[int], tell: Callable[..., None]) -> None:
        self.name: str = spec["name"]
        self.code: Optional[int] = None
        reports, written = os.pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DMLC_")}
        environment.update(spec["environment"], **{spec["reports"]: str(written)})
        try:
            self._child = subprocess.Popen(
                spec["command"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[written],
                start_new_session=True,
                preexec_fn=_begin(cores),
            )
        except BaseException:
            os.close(reports)
            raise
        finally:
            os.close(written)
        self.pid = self._child.pid
        assert self._child.stdout is not None
        assert self._child.stderr is not None

        def line(stream: str) -> Callable[[str, bool], None]:
            return lambda text, bar: None if bar and not spec["bar"] else tell(self.name, **{stream: text}, bar=bar)

        self.outputs = [
            Lines(os.dup(self._child.stdout.fileno()), line("out")),
            Lines(os.dup(self._child.stderr.fileno()), line("err")),
        ]
        self._child.stdout.close()
        self._child.stderr.close()
        self.reports = Lines(reports, lambda text, bar: tell(self.name, report=text))

    def has_ended(self) -> bool:
        """Return whether it has, with ``code`` its exit status, or minus the signal that killed it."""
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            # what it has started goes with it, and before its number may become another's
            self.send(signal.SIGKILL)
            self.code = self._child.wait()
        return ended is not None

    def send(self, number: int) -> None:
        """Send a signal to it and to what it has started."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def is_stopped(self) -> bool:
        """Return whether a signal, or a debugger, has stopped it."""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0] in "Tt"
        except OSError:
            return False


def _begin(cores: Sequence[int]) -> Callable[[], None]:
    """What a new process does first: it ends with the agent, and keeps to its cores."""
    agent, libc = os.getpid(), ctypes.CDLL(None)

    def begin() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != agent:
            os._exit(1)
        if cores:
            os.sched_setaffinity(0, cores)

    return begin


def cores() -> list[list[int]]:
    """Return the processors that this process may run on, core by core: the hyper-threads of one are together."""
    found: dict[str, list[int]] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="ascii") as file:
                siblings = file.read().strip()
        except OSError:
            siblings = str(cpu)
        found.setdefault(siblings, []).append(cpu)
    return list(found.values())


def threads(own: int, workers: int, limit: Optional[int]) -> int:
    """Return how many threads a worker has that may use so many cores, one of so many workers on its host.

    A container's share of the CPU, which it may use on any of its cores, and the user's own limit go before.
    """
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        most = int(quota) / int(period) / workers
    except (OSError, ValueError):  # "max", or another system
        most = math.inf
    return max(1, math.floor(min(own, most, limit or math.inf)))


def share(among: list[list[int]], part: int, parts: int) -> list[list[int]]:
    """Return the cores of one of several workers: neighbours, and one each where there are fewer cores than workers."""
    if parts > len(among):
        return [among[part % len(among)]]
    return among[part * len(among) // parts : (part + 1) * len(among) // parts]
