"""The connection of the launcher to the agent on a host: a process of its own here, ssh elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shlex
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional

from .hosts import Host
from .outcome import ended_how

MODULES = ("lines", "children", "agent")
"""Of this package, in the order of their imports: what an agent consists of."""
BEGIN = "import sys; exec(eval(sys.stdin.readline()))"
"""The program that runs what it reads. It is one line, as not every shell that ssh meets takes several."""
LOAD = """
import json, types
modules, patience = json.loads(sys.stdin.readline())
for name, text in modules:
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    exec(compile(text, name, "exec"), vars(module))
module.main(patience)
"""
"""What it reads: it becomes the agent, by the modules that come next."""
TO_CONNECT = 10
"""Seconds."""
KEEP_ALIVE = 10
"""Seconds between ssh's own signs of life."""
LONGEST = 1 << 24
"""Bytes of a message."""

Message = dict[str, Any]


class Link:
    """A host and what its agent says.

    Parameters
    ----------
    host : Host
    take : callable
        Called with the link and each message of the agent.
    """

    def __init__(self, host: Host, take: Callable[[Link, Message], None]) -> None:
        self.host = host
        self.hello: Optional[Message] = None
        """The agent's first message."""
        self.heard = time.monotonic()
        """When the agent was last heard of."""
        self.is_closed = False
        """Whether nothing more can come of the agent."""
        self._take = take
        self._errors: deque[str] = deque(maxlen=20)
        self._process: Optional[asyncio.subprocess.Process] = None
        self._reader: Optional[asyncio.Task] = None

    async def open(self, python: str, patience: float, environment: Mapping[str, str]) -> None:
        """Start the agent; its first message comes later.

        Parameters
        ----------
        python : str
            The interpreter on the host.
        patience : float
            For how many seconds the agent hears nothing of this process, and no end of its input either, before it
            ends all that it has started.
        environment : Mapping[str, str]
            The environment of the agent, where it is on this machine.
        """
        command = [python, "-u", "-c", BEGIN]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(command if self.host.is_local else ssh(self.host.name, command, patience)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST,
                env=environment,
                start_new_session=True,  # the terminal's Ctrl-C is for the launcher to pass on
            )
        except OSError as error:
            self._errors.append(f"{error.strerror}: {error.filename}")
            self.is_closed = True
            return
        assert self._process.stdin is not None
        self._process.stdin.write(f"{LOAD!r}\n".encode())
        self._send([_modules(), self._patience(patience)])
        self._reader = asyncio.ensure_future(self._read())

    def _patience(self, patience: float) -> Optional[float]:
        """On this machine the end of the input is enough, and a launcher that is stopped may go on."""
        return None if self.host.is_local else patience

    def tell(self, **message: Any) -> None:
        """Send the agent a message."""
        self._send(message)

    def _send(self, message: Any) -> None:
        stdin = self._process.stdin if self._process is not None else None
        if stdin is not None and not (self.is_closed or stdin.is_closing()):
            stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        """Take messages until there are no more."""
        assert self._process is not None
        assert self._process.stdout is not None
        errors = asyncio.ensure_future(self._read_errors())
        async for line in self._process.stdout:
            self.heard = time.monotonic()
            try:
                message = json.loads(line)
            except ValueError:  # what the shell of a login prints
                self._errors.append(line.decode("utf-8", "backslashreplace").strip())
                continue
            if "hello" in message:
                self.hello = message
                self._errors.clear()  # a banner of ssh is not why it may end later
            self._take(self, message)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(errors, 1)
            code = await asyncio.wait_for(self._process.wait(), 1)
            if not self._errors:
                self._errors.append(f"{'its agent' if self.host.is_local else 'ssh'} {ended_how(code)}")
        self.is_closed = True

    async def _read_errors(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if line.strip():
                self._errors.append(line.decode("utf-8", "backslashreplace").strip())

    @property
    def reason(self) -> str:
        """The last line of what ssh or the agent has said of its end."""
        return self._errors[-1] if self._errors else "it does not answer"

    def address(self) -> str:
        """Return the address at which this process has reached the host.

        Raises
        ------
        OSError
            If the host has no address that MXNet's KVStore can use, which has IPv4 alone.
        """
        seen = self.hello["ssh"] if self.hello else []
        if len(seen) == 4 and "." in seen[2] and not self.host.is_local:
            return seen[2].rpartition(":")[2]  # ::ffff:10.0.0.1 as well
        return socket.gethostbyname(self.host.name.rpartition("@")[2])

    async def close(self, within: float) -> None:
        """Wait for the agent's end, and end the connection after so many seconds, whatever hangs."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), within)
        # with its session: ssh may have started a ProxyCommand
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader


def _modules() -> list[list[str]]:
    """The names and texts of what an agent consists of, in packages that are empty."""
    folder = Path(__file__).parent
    texts = [[f"{__package__}.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")] for name in MODULES]
    return [["gluonvae", ""], [__package__, ""], *texts]


def ssh(host: str, command: list[str], patience: float) -> list[str]:
    """Return the command that runs another one on a host, in the folder of this process."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": TO_CONNECT,
        "ServerAliveInterval": KEEP_ALIVE,
        # the launcher decides when a host is lost, and not ssh before it
        "ServerAliveCountMax": math.ceil(max(patience, 60) / KEEP_ALIVE) + 1,
        # a shared connection would outlive this one, with its error output
        "ControlMaster": "no",
        "ControlPath": "none",
        "ClearAllForwardings": "yes",
    }
    there = f"cd {shlex.quote(os.getcwd())} && exec {shlex.join(command)}"
    return ["ssh", "-T", *(f"-o{name}={value}" for name, value in options.items()), "--", host, there]


def own_address(other: str) -> str:
    """Return the address of this machine on the way to another's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((other, 9))  # nothing is sent
        return one.getsockname()[0]
