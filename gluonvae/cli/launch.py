"""The command ``gluonvae launch``."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import checks
from ..launching.hosts import Host, placed, read_hosts
from ..launching.launcher import launch as run_group
from ..launching.plan import Plan
from ..training.signals import STOPPING, Interrupt
from .kinds import number

NAME = "launch"
OF_GLUONVAE = ("train", "evaluate")
"""The commands that several processes share out."""
OTHER = "python"
"""What stands for the interpreter."""
LARGEST_PORT = 65535


def launch_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae launch``."""
    command.usage = f"{command.prog} -n N [OPTION ...] -- train ... | -- python SCRIPT ..."
    number(command, "-n", "number of workers (default: as many as the hosts have slots)")
    text = "a line for each host: NAME slots=N, or NAME:N (default: all workers on this machine)"
    command.add_argument("--hosts", type=Path, metavar="FILE", help=text)
    number(command, "--restarts", "times that the group is started again after a failure, at most", 0)
    text = "time for which a worker or a host may be silent, or wait for the others"
    number(command, "--timeout", text, 60.0, type=float, metavar="SECONDS")
    number(command, "--port", "of the scheduler, on the first host (default: a free one)", metavar="P")
    text = "the interpreter on every host (default: that of this command)"
    command.add_argument("--python", default=None, metavar="PATH", help=text)
    command.set_defaults(of_workers=())


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of ``gluonvae launch`` and those behind ``--``, which are the workers'."""
    words = list(words)
    if "--" not in words or NAME not in words[: words.index("--")]:
        return words, []
    end = words.index("--")
    return words[:end], words[end + 1 :]


def launch(asked: argparse.Namespace) -> int:
    """Run a command in N processes that share their data and gradients, on this machine or by ssh on several.

    Behind -- stands train or evaluate with its options, or python with a script of your own. Each
    process has its own cores. What they print has their rank in front; where one fails all are ended,
    and a line says which and why. Ctrl-C, SIGTERM and SIGHUP are passed on to them."""
    outcome = run_group(plan_of(asked))
    number = outcome.status - 128
    if number == signal.SIGPIPE:
        raise BrokenPipeError
    if number in STOPPING:
        raise Interrupt(number)
    if outcome.text:
        print(f"gluonvae {NAME}: {outcome.text}", file=sys.stderr, flush=True)
    return outcome.status


def plan_of(asked: argparse.Namespace) -> Plan:
    """Return what the arguments ask for.

    Raises
    ------
    ValueError, OSError
        If that cannot be, see :func:`gluonvae.launching.hosts.read_hosts`.
    """
    _check_command(asked.of_workers)
    if asked.n is None and asked.hosts is None:
        raise ValueError("-n must say how many workers there are to be")
    size = None if asked.n is None else checks.positive_int("-n", asked.n)
    hosts = [Host("localhost", size or 1)] if asked.hosts is None else read_hosts(asked.hosts)
    if not (math.isfinite(asked.timeout) and asked.timeout > 0):
        raise ValueError(f"--timeout must be positive, got {asked.timeout:g}")
    if asked.restarts < 0:
        raise ValueError(f"--restarts must not be negative, got {asked.restarts}")
    if asked.port is not None and not 1 <= asked.port <= LARGEST_PORT:
        raise ValueError(f"--port must lie in 1 to {LARGEST_PORT}, got {asked.port}")
    return Plan(
        command=asked.of_workers,
        hosts=placed(hosts, size or sum(host.slots for host in hosts)),
        timeout=asked.timeout,
        restarts=asked.restarts,
        port=asked.port or 0,
        python=asked.python or sys.executable,
    )


def _check_command(words: Sequence[str]) -> None:
    if not words:
        raise ValueError("what the workers do stands behind --, such as: gluonvae launch -n 4 -- train")
    if words[0] not in (*OF_GLUONVAE, OTHER):
        known = ", ".join(OF_GLUONVAE)
        raise ValueError(f"behind -- must stand {known} or {OTHER} SCRIPT, got {words[0]!r}")
    if words[0] == OTHER and len(words) == 1:
        raise ValueError("python must have a script behind it")
