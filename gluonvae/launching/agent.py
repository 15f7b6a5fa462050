"""Starts the processes of a group on one host, tells the launcher of them, and ends them.

:mod:`gluonvae.launching.link` sends the text of this file to a Python on the host: it needs the standard library
alone, and both ends always speak the same protocol, whichever gluonvae is installed there. Each message is a line of
JSON, from the launcher on the standard input, to it on the standard output.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn, Optional

from .children import Process, cores, share, threads
from .lines import Lines

ALIVE = 0.5
"""Seconds between two signs of life."""
STOPPED = 1.0
"""Seconds between two turns that show that the agent was stopped."""
MOST_UNSENT = 1 << 20
"""Bytes that wait for the launcher before the output of processes is left to wait."""

Message = dict[str, Any]


class Agent:
    """Serves the launcher until it says that all is to end, or has gone.

    Parameters
    ----------
    patience : float, optional
        For how many seconds of the launcher's silence the agent waits; where left out, until its input is closed.
    """

    def __init__(self, patience: Optional[float]) -> None:
        self.processes: list[Process] = []
        self._keeper = keeper()
        self._selector = selectors.DefaultSelector()
        self._requests = Lines(0, lambda text, bar: self._do(json.loads(text)), math.inf)
        self._unsent, self._paused = bytearray(), False
        self._heard = self._told = self._turn = time.monotonic()
        self._patience, self._kills = patience, kills_for_memory()
        self._kill_at: Optional[float] = None
        os.set_blocking(1, False)
        self._selector.register(0, selectors.EVENT_READ, self._read_requests)

    def run(self) -> None:
        """Serve."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self._end())
        self._tell(hello=sys.version.split()[0], ssh=os.environ.get("SSH_CONNECTION", "").split())
        while self._kill_at is None or any(process.code is None for process in self.processes):
            for key, _ in self._selector.select(0.05):
                key.data()
            self._turn_round()
        until = time.monotonic() + 1
        while self._unsent and time.monotonic() < until:
            self._send()
            time.sleep(0.01)

    def _turn_round(self) -> None:
        now = time.monotonic()
        if now - self._turn > STOPPED:  # this process was stopped, and did not listen
            self._heard += now - self._turn
        self._turn = now
        for process in self.processes:
            if process.code is None and process.has_ended():
                self._finish(process)
        if self._kill_at is not None and now > self._kill_at:
            for process in self.processes:
                process.send(signal.SIGKILL)
        if self._patience is not None and now - self._heard > self._patience:
            self._end()
        if now - self._told > ALIVE:
            self._told = now
            self._tell(stopped=[one.name for one in self.processes if one.code is None and one.is_stopped()])
        self._send()

    def _read_requests(self) -> None:
        self._heard = time.monotonic()
        if not self._requests.read():
            self._selector.unregister(0)
            self._end()

    def _do(self, request: Message) -> None:
        if "prepare" in request:
            self._tell(prepared=prepare(**request["prepare"]))
        elif "start" in request:
            self._start(request["start"])
        elif "signal" in request:
            for process in self.processes:
                if process.name.startswith("worker"):
                    process.send(request["signal"])
        elif "end" in request:
            self._end(request["end"])

    def _start(self, specs: Sequence[Message]) -> None:
        available = cores()
        for spec in specs:
            own = share(available, spec["local_rank"], spec["local_size"]) if "local_rank" in spec else []
            count = threads(len(own), spec.get("local_size", 1), spec.get("threads"))
            spec["environment"].update(dict.fromkeys(("OMP_NUM_THREADS", "GLUONVAE_THREADS"), str(count)))
            try:
                process = Process(spec, [cpu for core in own for cpu in core], self._tell_of)
            except OSError as error:
                self._tell(process=spec["name"], failed=f"cannot be started: {error.strerror}: {error.filename}")
                return
            os.write(self._keeper, b"%d\n" % process.pid)
            self.processes.append(process)
            for lines in (*process.outputs, process.reports):
                self._listen(lines)

    def _listen(self, lines: Lines) -> None:
        def read() -> None:
            if not lines.read():
                self._selector.unregister(lines.descriptor)

        self._selector.register(lines.descriptor, selectors.EVENT_READ, read)

    def _finish(self, process: Process) -> None:
        """Tell the end of a process, after all that it has said."""
        for lines in (process.reports, *process.outputs):
            with contextlib.suppress(KeyError):
                self._selector.unregister(lines.descriptor)
            lines.finish()
        os.write(self._keeper, b"-%d\n" % process.pid)
        out_of_memory = process.code == -signal.SIGKILL and kills_for_memory() > self._kills
        self._tell(process=process.name, exit=process.code, out_of_memory=out_of_memory)

    def _end(self, grace: float = 2.0) -> None:
        """End all processes, those that do not heed it after a time of grace."""
        limit = time.monotonic() + grace
        self._kill_at = limit if self._kill_at is None else min(limit, self._kill_at)
        for process in self.processes:
            process.send(signal.SIGTERM if grace else signal.SIGKILL)
            process.send(signal.SIGCONT)  # one that is stopped takes its signals then

    def _tell_of(self, name: str, **what: Any) -> None:
        self._tell(process=name, **what)

    def _tell(self, **message: Any) -> None:
        self._unsent += json.dumps(message).encode() + b"\n"

    def _send(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(1, self._unsent[:65536])]
        except BlockingIOError:
            pass
        except OSError:  # the launcher has gone
            self._unsent.clear()
            if self._kill_at is None:
                self._end()
        self._pause(len(self._unsent) > MOST_UNSENT)

    def _pause(self, pause: bool) -> None:
        """Leave the output of processes in their pipes, where they wait for room, or go on to read it."""
        if pause == self._paused:
            return
        self._paused = pause
        for process in self.processes:
            for lines in process.outputs if process.code is None else []:
                if pause:
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(lines.descriptor)
                else:
                    self._listen(lines)


def prepare(ports: Sequence[int], file: Optional[str]) -> Message:
    """Return the first of some ports that is free, and whether there is a file."""
    for port in ports:
        reason = _why_not_free(port)
        if reason is None:
            return {"port": port, "file": file is not None and os.path.exists(file)}
    return {"error": reason}


def _why_not_free(port: int) -> Optional[str]:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("", port))
        except OSError as error:
            return error.strerror
    return None


def kills_for_memory() -> int:
    """Return how many processes the system has killed because memory had run out, as far as it tells."""
    with contextlib.suppress(OSError), open("/proc/vmstat", encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    return 0


def keeper() -> int:
    """Start a process that kills the sessions whose numbers are written to it, once the agent has gone, even killed.

    Returns
    -------
    int
        The descriptor for the numbers, a line each; with a minus in front of one that has ended.
    """
    numbers, written = os.pipe()
    if os.fork():
        os.close(numbers)
        return written
    _keep(numbers, written)


def _keep(numbers: int, written: int) -> NoReturn:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(written)
    alive: set[int] = set()
    with open(numbers, encoding="ascii") as lines:
        for line in lines:
            number = int(line)
            (alive.add if number > 0 else alive.discard)(abs(number))
    for number in alive:
        with contextlib.suppress(OSError):
            os.killpg(number, signal.SIGKILL)
    os._exit(0)


def main(patience: Optional[float]) -> None:
    """Be the agent of a host."""
    Agent(patience).run()
