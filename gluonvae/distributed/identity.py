"""Which worker of a group this process is, by the environment variables of what started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional

RANK, SIZE, LOCAL_RANK, LOCAL_SIZE = (
    "GLUONVAE_RANK",
    "GLUONVAE_SIZE",
    "GLUONVAE_LOCAL_RANK",
    "GLUONVAE_LOCAL_SIZE",
)
"""The environment variables in which ``gluonvae launch`` tells a worker which one it is."""
ROOT = "GLUONVAE_ROOT"
"""Where the scheduler of the KVStore listens, HOST:PORT."""
NODE_HOST = "GLUONVAE_NODE_HOST"
"""The address at which the others reach this worker's host."""
SERVERS = "GLUONVAE_SERVERS"
"""How many servers the KVStore has; 1 where it is not set."""
TIMEOUT = "GLUONVAE_TIMEOUT"
"""After how many seconds of waiting for the others a worker gives up."""
RESTARTS = "GLUONVAE_RESTARTS"
"""How often the group was started again after a failure."""
REPORTS = "GLUONVAE_REPORTS_FD"
"""The number of the file descriptor on which a worker tells ``gluonvae launch`` of itself, a line of JSON each."""


class Identity(NamedTuple):
    """Which worker of how many a process is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Among the workers on its host."""
    local_size: int = 1
    started_by: Optional[str] = None
    """The command that started the group; None for a process alone."""


def identity_of(environment: Mapping[str, str]) -> Identity:
    """Return which worker a process with these environment variables is.

    Raises
    ------
    ValueError
        Where they contradict each other.
    """
    if SIZE not in environment:
        return Identity()
    names = (RANK, SIZE, LOCAL_RANK, LOCAL_SIZE)
    try:
        rank, size, local_rank, local_size = (int(environment[name]) for name in names)
    except (KeyError, ValueError) as error:
        given = ", ".join(f"{name}={environment.get(name)!r}" for name in names)
        raise ValueError(f"the variables of gluonvae launch must be whole numbers, got {given}") from error
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise ValueError(f"{RANK} must lie in 0 to {SIZE} - 1, got {rank} of {size}, {local_rank} of {local_size}")
    return Identity(rank, size, local_rank, local_size, "gluonvae launch")
