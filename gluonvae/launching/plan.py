"""What the launcher is asked for, and the processes that it takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..backend.environment import SETTINGS
from ..backend.runtime import CHOSEN, THREADS_FROM
from ..distributed import identity
from .hosts import Placed

ROLE = "import gluonvae"
"""The program of a scheduler or server, which is what MXNet becomes at its import by ``DMLC_ROLE``."""
PROGRAM = "gluonvae_command"
"""The module of ``gluonvae``, outside the package, whose import a Ctrl-C may interrupt."""
SENT = ("GLUONVAE_", "MXNET_", "OMP_", "GOMP_", "PYTHON")
"""What the environment variables begin with that workers on other hosts get as well."""
KEPT = ("--threads", "--quiet", "--debug")
"""Options of ``gluonvae train`` that are not the run's, and are given again when it is resumed."""


class Plan(NamedTuple):
    """What the launcher is asked for."""

    command: Sequence[str]
    """``train ...`` or another command of gluonvae, or ``python SCRIPT ...``."""
    hosts: Sequence[Placed]
    timeout: float = 60.0
    """For how many seconds anything may be silent, or wait."""
    restarts: int = 0
    """How often the group is started again, at most."""
    port: int = 0
    """Of the scheduler; 0 takes a free one."""
    python: str = sys.executable
    """The interpreter, on every host."""

    @property
    def size(self) -> int:
        """The number of workers."""
        return sum(len(placed.ranks) for placed in self.hosts)


def environment_here() -> dict[str, str]:
    """Return the environment variables of this process, without those that gluonvae has set for its own MXNet."""
    return {name: value for name, value in os.environ.items() if name not in CHOSEN}


def specs(
    plan: Plan,
    command: Sequence[str],
    root: tuple[str, int],
    addresses: Sequence[str],
    restarts: int,
    has_bar: bool,
) -> list[list[dict[str, Any]]]:
    """Return the processes of each host, as the agent wants them.

    Parameters
    ----------
    plan : Plan
    command : sequence of str
        Of the workers.
    root : tuple of str and int
        The address and port of the scheduler.
    addresses : sequence of str
        At which each host is reached by the others.
    restarts : int
        How often the group was started before.
    has_bar : bool
        Whether rank 0's progress bar is shown.
    """
    limit = int(os.environ["OMP_NUM_THREADS"]) if THREADS_FROM in SETTINGS else None
    found: list[list[dict[str, Any]]] = []
    for placed, address in zip(plan.hosts, addresses):
        sent = {} if placed.host.is_local else _sent(environment_here())
        common = {**sent, "PYTHONUNBUFFERED": "1"}
        # a server on each host: one alone would send and receive what all workers do
        roles = {f"server-{len(found) + 1}": "server"} if found else {"scheduler": "scheduler", "server": "server"}
        here = [_role(plan, role, name, root, address, common) for name, role in roles.items()]
        for local_rank, rank in enumerate(placed.ranks):
            told = {
                **common,
                identity.RANK: str(rank),
                identity.SIZE: str(plan.size),
                identity.LOCAL_RANK: str(local_rank),
                identity.LOCAL_SIZE: str(len(placed.ranks)),
                identity.ROOT: f"{root[0]}:{root[1]}",
                identity.NODE_HOST: address,
                identity.SERVERS: str(len(plan.hosts)),
                identity.TIMEOUT: f"{plan.timeout:g}",
                identity.RESTARTS: str(restarts),
            }
            if rank == 0 and has_bar:
                told["COLUMNS"] = str(os.get_terminal_size(sys.stderr.fileno()).columns)
            here.append(
                {
                    **_spec(f"worker {rank}", command, told, has_bar and rank == 0),
                    "local_rank": local_rank,
                    "local_size": len(placed.ranks),
                    "threads": limit,
                }
            )
        found.append(here)
    return found


def _spec(name: str, command: Sequence[str], environment: Mapping[str, str], bar: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "command": list(command),
        "environment": dict(environment),
        "reports": identity.REPORTS,
        "bar": bar,
    }


def _role(
    plan: Plan, role: str, name: str, root: tuple[str, int], address: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The scheduler or a server."""
    told = {
        "GLUONVAE_RUNTIME": "off",  # MXNet's own engine, which the naive one would announce
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": root[0],
        "DMLC_PS_ROOT_PORT": str(root[1]),
        "DMLC_NUM_WORKER": str(plan.size),
        "DMLC_NUM_SERVER": str(len(plan.hosts)),
        "DMLC_NODE_HOST": address,
    }
    return _spec(name, [plan.python, "-c", ROLE], {**environment, **told})


def _sent(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(SENT)}


def command_of(plan: Plan, run: Optional[str] = None) -> list[str]:
    """Return the command of a worker.

    Parameters
    ----------
    plan : Plan
    run : str, optional
        The folder of a run that is gone on with.
    """
    words = list(plan.command)
    if words[0] == "python":
        return [plan.python, *words[1:]]
    return [plan.python, "-m", PROGRAM, *(resuming(words, run) if run else words)]


def resuming(words: Sequence[str], run: str) -> list[str]:
    """Return the words of ``train ...`` that go on with a run, which knows its own options."""
    if any(word.partition("=")[0] == "--resume" for word in words):
        return list(words)
    kept = []
    for word, after in zip(words, [*words[1:], ""]):
        if word.partition("=")[0] in KEPT:
            kept += [word, after] if word == "--threads" else [word]
    return ["train", "--resume", run, *kept]


def config_of(run: str) -> str:
    """Return the file that a folder has if it is a run's."""
    return str(Path(run) / "config.json")
