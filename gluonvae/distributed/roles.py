"""The scheduler and the servers of MXNet's KVStore, as processes that rank 0 starts where no launcher has."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Optional

from .rendezvous import address_of, check_port, is_local, worker_environment

_RUN = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != {parent}:
    sys.exit()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
sys.path[:] = {path}
import gluonvae
"""
"""MXNet runs the role that DMLC_ROLE names while it is imported. Signals that ask a group to end, as Slurm sends to all
of its processes, are for the workers, which sum once more before they save."""


class Roles:
    """The scheduler and the servers of a group, each a child process with one thread.

    They end with the process that started them, however it ends. To be made in the main thread: Linux takes the end of
    the thread that started a process for that of the parent.

    Parameters
    ----------
    root : str
        HOST:PORT where the scheduler listens, on this host.
    size : int
        Number of workers.
    servers : int
        Number of servers.
    died : callable
        Called with one line, in another thread, where one of them ends before the workers are done.

    Raises
    ------
    ValueError
        If the port is in use, or the host is another.
    """

    def __init__(self, root: str, size: int, servers: int = 1, died: Optional[Callable[[str], object]] = None) -> None:
        check_port(root)
        host, self._port = address_of(root)
        self._died = died
        self._ending = False
        self.processes: list[subprocess.Popen[str]] = []
        """The scheduler, then the servers."""
        variables = {**os.environ, **worker_environment(root, size, servers), "GLUONVAE_THREADS": "1"}
        if not is_local(host):
            variables["DMLC_USE_KUBERNETES"] = "1"  # to listen at all addresses, as MXNet cannot listen at a name
        for role in ("scheduler", *["server"] * servers):
            self._start(role, {**variables, "DMLC_ROLE": role})

    def _start(self, role: str, variables: dict[str, str]) -> None:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _RUN.format(parent=os.getpid(), path=sys.path)],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the workers
        )
        self.processes.append(process)
        threading.Thread(target=self._watch, args=(role, process), name=f"gluonvae {role}", daemon=True).start()

    def _watch(self, role: str, process: subprocess.Popen[str]) -> None:
        """Wait for the end of a process, and tell of it."""
        assert process.stderr is not None
        said = process.stderr.read().strip()
        status = process.wait()
        if status == 0 or self._ending or self._died is None:
            return
        if status < 0:
            self._died(f"the {role} of the KVStore was ended by {signal.Signals(-status).name}")
        else:
            errors = re.findall(r"^\w*Error: .*$", said, re.MULTILINE) or said.splitlines() or ["it has not said why"]
            self._died(f"the {role} of the KVStore ended with status {status}: {errors[-1]}")

    def end(self, timeout: float = 5.0) -> None:
        """Wait until the other workers have left, and end the scheduler and the servers.

        Parameters
        ----------
        timeout : float
            For how many seconds to wait. Without rank 0 there are no more sums, but the last may be on its way.
        """
        until = time.monotonic() + timeout
        while not self._workers_have_left() and time.monotonic() < until:
            time.sleep(0.02)
        self._ending = True
        for process in self.processes:
            process.kill()
            process.wait()

    def _workers_have_left(self) -> bool:
        """Return whether nobody needs them any more, or one of them has failed."""
        if any(process.poll() is not None for process in self.processes):
            return True
        # each of them is connected to the scheduler, as is every worker that has not left
        return _connections(self._port) <= len(self.processes)

    def __enter__(self) -> Roles:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()


def _connections(port: int) -> int:
    """Return how many connections a TCP port of this host has accepted that are still open."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and state == "01" for _, local, _, state, *_ in rows)
