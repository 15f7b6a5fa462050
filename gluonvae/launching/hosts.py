"""On which hosts the workers of a group run."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import NamedTuple, Union

LOCAL = ("localhost", "127.0.0.1")
"""Names of this machine in a file of hosts, beside its own."""
# a name that begins with - would be an option to ssh
_LINE = re.compile(r"((?:\w[\w.-]*@)?\w[\w.-]*)(?::(-?\d+)|\s+slots\s*=\s*(-?\d+)(?:\s+max[_-]slots\s*=\s*\d+)?)?")


class Host(NamedTuple):
    """A machine, and how many workers it takes."""

    name: str
    slots: int

    @property
    def is_local(self) -> bool:
        """Whether it is this machine, which is reached without ssh."""
        return is_local(self.name)


class Placed(NamedTuple):
    """A host and the ranks of its workers."""

    host: Host
    ranks: range


def is_local(name: str) -> bool:
    """Return whether a host's name is this machine's."""
    own = socket.gethostname()
    return name in (*LOCAL, own, own.partition(".")[0])


def read_hosts(path: Union[str, Path]) -> list[Host]:
    """Read a file of hosts, a line each: ``NAME``, ``NAME slots=N`` as of mpirun or ``NAME:N`` as of horovodrun.

    A host takes one worker where its line has no number. What follows a # is a comment.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    list of Host
        In the order of the file, at least one.

    Raises
    ------
    ValueError
        If a line is none of these, a host is there twice, or there is none.
    OSError
        If the file cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a file of hosts: it is not text") from error
    hosts: list[Host] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].strip()
        if not words:
            continue
        host = _host(words, f"{path}, line {number}")
        before = next((one for one in hosts if one.name == host.name or (one.is_local and host.is_local)), None)
        if before is not None:
            same = "" if before.name == host.name else f", which is {before.name}"
            raise ValueError(f"{path}, line {number}: {host.name}{same} is there twice: add up its slots in one line")
        hosts.append(host)
    if not hosts:
        raise ValueError(f"{path} names no host: write a line for each, such as 'node1 slots=2'")
    return hosts


def _host(words: str, place: str) -> Host:
    """The host in a line without its comment."""
    match = _LINE.fullmatch(words)
    if match is None:
        shown = words if len(words) <= 60 else f"{words[:60]}..."
        raise ValueError(f"{place}: {shown!r} must be NAME, NAME:N or NAME slots=N")
    slots = int(match[2] or match[3] or 1)
    if slots < 1:
        raise ValueError(f"{place}: the slots of {match[1]} must be positive, got {slots}")
    return Host(match[1], slots)


def placed(hosts: list[Host], size: int) -> list[Placed]:
    """Share ``size`` workers out to hosts, each filled before the next; hosts without a worker are left out.

    Raises
    ------
    ValueError
        If there are more workers than slots.
    """
    slots = sum(host.slots for host in hosts)
    if size > slots:
        raise ValueError(f"-n {size} is more than the {slots} slot(s) of the hosts")
    found, first = [], 0
    for host in hosts:
        count = min(host.slots, size - first)
        if count:
            found.append(Placed(host, range(first, first + count)))
        first += count
    return found
