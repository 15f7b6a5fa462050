"""How a group has ended, and who of it is to blame."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

FAILED = 4
"""The exit status where there is none of a worker's own, as in :mod:`gluonvae.cli.failures`."""
TO_THE_USER = (2, 3)
"""Exit statuses of bad input and of divergence, which would come again."""
LONGEST = 300
"""Characters of a process's last line."""


class Outcome(NamedTuple):
    """The end of a group."""

    status: int
    """The exit status of the launcher."""
    text: str = ""
    """Who has ended the group, and of what."""
    may_restart: bool = False
    """Whether the same might go well another time."""
    is_lost: bool = False
    """Whether a host is out of reach, and its processes may go on for a while."""


class Member:
    """A process of the group, as the launcher knows it.

    Parameters
    ----------
    name : str
        "worker N", "scheduler", "server" or, on further hosts, "server-N".
    host : str
        The name of its host.
    """

    def __init__(self, name: str, host: str) -> None:
        self.name, self.host = name, host
        self.report: dict[str, Any] = {}
        """The last value of each key of its reports, see :mod:`gluonvae.distributed.reports`."""
        self.reported: Optional[float] = None
        """When the last report came."""
        self.last_line = ""
        """On its error output."""
        self.is_stopped = False
        self.code: Optional[int] = None
        """Its exit status, or minus the signal that killed it; None while it runs."""
        self.ended = 0.0
        """When it ended."""
        self.out_of_memory = False
        """Whether the system seems to have killed it for want of memory."""

    @property
    def is_worker(self) -> bool:
        """Whether it is a worker."""
        return self.name.startswith("worker")

    @property
    def waited(self) -> bool:
        """Whether it gave up because it had waited too long for the others."""
        return "error" in self.report and self.report.get("waits", 0) > 0

    @property
    def follows(self) -> str:
        """The worker whose failure made this one fail; "" where it failed by itself."""
        return f"worker {self.report['failed']}" if "failed" in self.report else ""

    def silence(self, now: float) -> float:
        """Return for how many seconds it has not reported; 0 where it never has, or has ended."""
        return 0.0 if self.reported is None or self.code is not None else now - self.reported

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"

    @property
    def at(self) -> str:
        """At which step it was, in the last report."""
        return f" (last report: step {self.report['step']})" if "step" in self.report else ""


def of_death(culprit: Member) -> Outcome:
    """Return the outcome where a process has ended by itself."""
    code = culprit.code or 0
    words = culprit.report.get("error") or culprit.last_line
    words = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
    said = f": {words}" if words else ""
    why = ", as memory ran out there" if culprit.out_of_memory else ""
    own = culprit.is_worker and 2 <= code <= 127
    text = f"{culprit} {ended_how(code)}{why}{culprit.at}{said}"
    return Outcome(code if own else FAILED, text, not (own and code in TO_THE_USER))


def ended_how(code: int) -> str:
    """Return an exit status, or minus the signal that has killed a process, in words."""
    if code >= 0:
        return f"ended with exit status {code}"
    known = -code in {*signal.Signals}
    return f"was killed by {signal.Signals(-code).name if known else f'signal {-code}'}"


def of_silence(silent: Member, now: float) -> Outcome:
    """Return the outcome where a worker does not report any more."""
    how = "is stopped, and has been silent" if silent.is_stopped else "has been silent"
    return Outcome(FAILED, f"{silent} {how} for {silent.silence(now):.0f} s{silent.at}", True)


def of_lost_host(host: str, silence: float) -> Outcome:
    """Return the outcome where nothing is heard of a host."""
    return Outcome(FAILED, f"the host {host} has been silent for {silence:.0f} s", True, True)


def are_followers(members: Sequence[Member]) -> bool:
    """Return whether all that have failed did so because of a worker that has not ended yet."""
    running = {member.name for member in members if member.code is None}
    failed = [member for member in members if member.code]
    return bool(failed) and all(member.follows in running for member in failed)


def of_deaths(members: Sequence[Member], now: float, timeout: float, silent_hosts: dict[str, float]) -> Outcome:
    """Return the outcome where at least one process has failed: the first that did so by itself is to blame.

    Parameters
    ----------
    members : sequence of Member
        All of the group.
    now, timeout : float
        Seconds.
    silent_hosts : dict
        For how many seconds nothing was heard of each host.
    """
    failed = [member for member in members if member.code]
    # where one is killed, others may abort because of it, whose ends may be heard of first
    culprits = sorted(
        (member for member in failed if not member.waited),
        key=lambda member: (member.code != -signal.SIGKILL, bool(member.follows), member.ended),
    )
    if culprits:
        return of_death(culprits[0])
    return _of_waiting(min(failed, key=lambda member: member.ended), members, now, timeout, silent_hosts)


def _of_waiting(
    waited: Member, members: Sequence[Member], now: float, timeout: float, silent_hosts: dict[str, float]
) -> Outcome:
    """Return the outcome where a worker has waited in vain."""
    for host, silence in silent_hosts.items():
        if silence > timeout / 2:
            return of_lost_host(host, silence)
    others = [member for member in members if member.is_worker and member.code is None]
    for member in others:
        if member.is_stopped or member.silence(now) > timeout / 2:
            if member.reported is None:
                return Outcome(FAILED, f"{member} is stopped, and has not joined the group", True)
            return of_silence(member, now)
    for_it = f"{waited} has waited for {waited.report.get('waits', timeout):.0f} s"
    for member in others:
        if member.reported is None:
            return Outcome(FAILED, f"{member} has not joined the group: {for_it}", True)
    gone = [member for member in members if member.code == 0]
    for member in [*(one for one in gone if one.is_worker), *gone]:
        return Outcome(FAILED, f"{member} ended before the others, with exit status 0{member.at}: {for_it}", True)
    for member in others:
        if not member.report.get("waits"):
            return Outcome(FAILED, f"{member} does not take part{member.at}: {for_it}", True)
    stopped = next((f"{member} is stopped" for member in members if member.is_stopped), "")
    reach = stopped or "do the hosts reach each other on all ports?"
    return Outcome(FAILED, f"{for_it}{waited.at}, and so have the others: {reach}", True)
