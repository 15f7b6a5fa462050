"""Starts a group of processes on one host or several, watches them, and ends or restarts them all where one fails."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from typing import Any, Optional

from ..distributed.rendezvous import ports_to_try
from ..training.signals import STOPPING
from .console import Console
from .link import Link, Message, own_address
from .outcome import FAILED, Member, Outcome, are_followers, of_deaths, of_lost_host, of_silence
from .plan import Plan, command_of, config_of, environment_here, specs
from .signals import TURN, Signals

SETTLE = 0.3
"""Seconds between a death and its verdict, in which others that were first may be heard of."""
GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL, and for a worker to end whose error others have raised as well."""
TO_END = 1.5
"""Seconds after that for agents to end, before the connections to them are."""
ALIVE = 1.0
"""Seconds between two signs of life to the agents."""
LATER = 5.0
"""Seconds after the launcher that an agent takes the connection for lost."""
STOPPED = 1.0
"""Seconds between two looks that show that the launcher was stopped: what it did not hear then was not silent."""
PAUSE = 1.0
"""Seconds before the group is started again."""


class PortInUse(ValueError):
    """The scheduler cannot have the port that was asked for."""


def launch(plan: Plan) -> Outcome:
    """Run a group to its end.

    Parameters
    ----------
    plan : Plan
        What to run, where.

    Returns
    -------
    Outcome
        With 128 + N as status where signal N has ended it.

    Raises
    ------
    PortInUse
        If the port that was asked for is another's.
    """
    return asyncio.run(_launch(plan))


async def _launch(plan: Plan) -> Outcome:
    signals, loop = Signals(), asyncio.get_running_loop()
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, signals.note, number)

    def broken() -> None:
        loop.call_soon_threadsafe(signals.note, signal.SIGPIPE)

    console = Console(broken)
    try:
        run = None
        for attempt in range(plan.restarts + 1):
            group = Attempt(plan, console, signals, attempt, run)
            outcome = await group.run()
            if not outcome.may_restart or attempt == plan.restarts or signals.first is not None:
                break
            run = group.folder or run
            console.err(f"gluonvae launch: {outcome.text}; started again ({attempt + 1} of {plan.restarts})")
            # an agent that hears nothing of this process ends its own
            await signals.pause(plan.timeout + LATER + GRACE if outcome.is_lost else PAUSE)
    finally:
        await loop.run_in_executor(None, console.close)
    return outcome


class Attempt:
    """The processes of a group, once.

    Parameters
    ----------
    plan : Plan
    console : Console
        For what they print.
    signals : Signals
        That the launcher gets.
    restarts : int
        How often the group was started before.
    run : str, optional
        The folder of the run that these were training.
    """

    def __init__(self, plan: Plan, console: Console, signals: Signals, restarts: int, run: Optional[str]) -> None:
        self._plan, self._console, self._signals = plan, console, signals
        self._restarts, self._run = restarts, run
        self._links = [Link(placed.host, self._take) for placed in plan.hosts]
        self._members: dict[str, Member] = {}
        self._prepared: Optional[Message] = None
        self._failed: Optional[str] = None
        self._turn = self._told = time.monotonic()
        self._passed_on = 0

    @property
    def folder(self) -> Optional[str]:
        """The folder of the run that the workers are training, as far as it is known."""
        return next((one.report["run"] for one in self._members.values() if "run" in one.report), None)

    async def run(self) -> Outcome:
        """Start, watch and end the processes."""
        try:
            return await self._connect() or await self._start() or await self._watch()
        finally:
            grace = GRACE if self._members and len(self._signals.received) < 2 else 0.0
            for link in self._links:
                link.tell(end=grace)
            await asyncio.gather(*(link.close(grace + TO_END) for link in self._links))

    async def _until(self, done: Callable[[], bool], limit: float) -> None:
        """Wait until something is done, a signal comes or the time is over."""
        until = time.monotonic() + limit
        while not done() and self._signals.first is None and time.monotonic() < until:
            await asyncio.sleep(TURN)

    async def _connect(self) -> Optional[Outcome]:
        """Start the agents; return the outcome where one does not answer."""
        plan, environment = self._plan, environment_here()
        await asyncio.gather(*(link.open(plan.python, plan.timeout + LATER, environment) for link in self._links))
        await self._until(lambda: all(link.hello or link.is_closed for link in self._links), plan.timeout)
        if self._signals.first is not None:
            return self._of_signal()
        for link in self._links:
            if link.is_closed:
                return self._not_begun(f"{link.host.name} cannot be used: {link.reason}")
            if link.hello is None:
                return self._not_begun(f"{link.host.name} has not answered in {plan.timeout:g} s")
        return None

    def _not_begun(self, text: str) -> Outcome:
        """The outcome where nothing was started. What has never worked is not tried again."""
        return Outcome(FAILED, text, self._restarts > 0)

    async def _start(self) -> Optional[Outcome]:
        """Start the processes; return the outcome where that is impossible."""
        plan = self._plan
        try:
            addresses = self._addresses()
        except OSError as error:
            return self._not_begun(f"a host has no address by which others reach it: {error}")
        file = config_of(self._run) if self._run else None
        self._links[0].tell(prepare={"ports": ports_to_try(plan.port), "file": file})
        await self._until(lambda: self._prepared is not None or self._links[0].is_closed, plan.timeout)
        prepared = self._prepared or {"error": self._links[0].reason}
        if self._signals.first is not None:
            return self._of_signal()
        if "error" in prepared:
            text = f"--port {plan.port} of {plan.hosts[0].host.name} cannot be used: {prepared['error']}"
            if self._restarts:
                return self._not_begun(text)
            raise PortInUse(text)
        command = command_of(plan, self._run if prepared["file"] else None)
        root = (addresses[0], prepared["port"])
        for link, processes in zip(
            self._links, specs(plan, command, root, addresses, self._restarts, self._console.has_bar)
        ):
            for spec in processes:
                self._members[spec["name"]] = Member(spec["name"], link.host.name)
            link.tell(start=processes)
        return None

    def _addresses(self) -> list[str]:
        """Where each host is reached by the others."""
        if all(link.host.is_local for link in self._links):
            return ["127.0.0.1" for _ in self._links]
        other = next(link.address() for link in self._links if not link.host.is_local)
        return [own_address(other) if link.host.is_local else link.address() for link in self._links]

    async def _watch(self) -> Outcome:
        """Wait for the end of the group."""
        self._turn = time.monotonic()
        while (outcome := self._verdict(time.monotonic())) is None:
            await asyncio.sleep(TURN)
            self._keep_in_touch()
        return outcome

    def _keep_in_touch(self) -> None:
        now = time.monotonic()
        if now - self._turn > STOPPED:
            for member in self._members.values():
                member.reported = member.reported and member.reported + now - self._turn
            for link in self._links:
                link.heard += now - self._turn
        self._turn = now
        if now - self._told > ALIVE:
            self._told = now
            for link in self._links:
                link.tell(alive=True)

    def _verdict(self, now: float) -> Optional[Outcome]:
        """Return the outcome, where there is one by now."""
        members, timeout = list(self._members.values()), self._plan.timeout
        if self._signals.first is not None:
            return self._of_signal_by(now)
        workers = [member for member in members if member.is_worker]
        if all(member.code == 0 for member in workers):
            return Outcome(0)
        if self._failed is not None:
            return self._not_begun(self._failed)
        silent_hosts = {link.host.name: now - link.heard for link in self._links}
        deaths = [member.ended for member in members if member.code]
        if deaths and now - min(deaths) > (GRACE if are_followers(members) else SETTLE):
            return of_deaths(members, now, timeout, silent_hosts)
        for link in self._links:
            if link.is_closed and not deaths:
                return Outcome(FAILED, f"the connection to {link.host.name} has ended: {link.reason}", True, True)
        for host, silence in silent_hosts.items():
            if silence > timeout:
                return of_lost_host(host, silence)
        silent = max(workers, key=lambda worker: worker.silence(now))
        if silent.silence(now) <= timeout:
            return None
        if silent_hosts[silent.host] > timeout / 2:  # the last report came shortly before the host's last sign of life
            return of_lost_host(silent.host, silent_hosts[silent.host])
        return of_silence(silent, now)

    def _of_signal(self) -> Outcome:
        number = self._signals.first or 0
        return Outcome(128 + number)

    def _of_signal_by(self, now: float) -> Optional[Outcome]:
        """Pass the first signal on, and return the outcome when the workers have heeded it, or had the time to."""
        number = self._signals.first or 0
        if not self._passed_on:
            self._passed_on, self._give_up = number, now + self._plan.timeout
            for link in self._links:
                link.tell(signal=number)
        workers = [member for member in self._members.values() if member.is_worker]
        if all(member.code is not None for member in workers) or any(link.is_closed for link in self._links):
            return self._of_signal()
        expected = (None, 0, 128 + number, -number)
        unasked = [member.ended for member in self._members.values() if member.code not in expected]
        is_over = now > self._give_up or len(self._signals.received) > 1 or number == signal.SIGPIPE
        return self._of_signal() if is_over or (unasked and now - min(unasked) > SETTLE) else None

    def _take(self, link: Link, message: dict[str, Any]) -> None:
        """Take what an agent says."""
        if "prepared" in message:
            self._prepared = message["prepared"]
        if "stopped" in message:
            for member in self._members.values():
                if member.host == link.host.name:
                    member.is_stopped = member.name in message["stopped"]
        if "process" in message:
            self._take_of(self._members[message["process"]], message)

    def _take_of(self, member: Member, message: dict[str, Any]) -> None:
        """Take what an agent says of a process."""
        name = member.name.rpartition(" ")[2]
        if message.get("bar"):
            self._console.bar(message.get("err") or message.get("out") or "")
        elif "out" in message:
            self._console.out(f"[{name}] {message['out']}")
        elif "err" in message:
            member.last_line = message["err"].strip() or member.last_line
            self._console.err(f"[{name}] {message['err']}")
        elif "exit" in message:
            member.code, member.ended = message["exit"], time.monotonic()
            member.out_of_memory = message["out_of_memory"]
        elif "failed" in message:
            self._failed = f"{member} {message['failed']}"
        elif "report" in message:
            self._report(member, message["report"])

    def _report(self, member: Member, text: str) -> None:
        """Take what a process says of itself."""
        try:
            report = json.loads(text)
        except ValueError:
            report = None
        if isinstance(report, dict):
            member.report.update(report)
            member.reported = time.monotonic()
