"""Which worker of a group this process is, by the environment variables of what started it."""

from __future__ import annotations

import re
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

EXCHANGE = "GLUONVAE_EXCHANGE"
"""What sums over workers, "horovod" or "kvstore"; by default Horovod for horovodrun, and else the KVStore."""

LAUNCH, HOROVODRUN, MPIRUN, SRUN = "gluonvae launch", "horovodrun", "mpirun", "srun"
"""The commands that start a group."""


class Identity(NamedTuple):
    """Which worker of how many a process is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Among the workers on its host."""
    local_size: int = 1
    started_by: Optional[str] = None
    """The command that started the group; None for a process alone."""
    job: Optional[str] = None
    """What the workers of a group have in common, and no other group on these hosts; None where they are not told."""


class _Starter(NamedTuple):
    """A command that starts a group, and the environment variables by which it tells a worker which one it is."""

    command: str
    sign: str
    """Set for the workers of such a group only."""
    names: tuple[str, str, str, str]
    """Of the fields of :class:`Identity`."""
    job: tuple[str, ...] = ()


STARTERS = (
    _Starter(LAUNCH, SIZE, (RANK, SIZE, LOCAL_RANK, LOCAL_SIZE), (ROOT,)),
    _Starter(HOROVODRUN, "HOROVOD_SIZE", ("HOROVOD_RANK", "HOROVOD_SIZE", "HOROVOD_LOCAL_RANK", "HOROVOD_LOCAL_SIZE")),
    _Starter(  # Open MPI
        MPIRUN,
        "OMPI_COMM_WORLD_SIZE",
        (
            "OMPI_COMM_WORLD_RANK",
            "OMPI_COMM_WORLD_SIZE",
            "OMPI_COMM_WORLD_LOCAL_RANK",
            "OMPI_COMM_WORLD_LOCAL_SIZE",
        ),
        ("PMIX_NAMESPACE",),
    ),
    # MPICH and Intel MPI; srun may set PMI_RANK and PMI_SIZE as well
    _Starter(MPIRUN, "MPI_LOCALNRANKS", ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS")),
    # a script of sbatch has SLURM_PROCID and SLURM_NTASKS too, and is no worker: srun makes the steps of a job
    _Starter(
        SRUN,
        "SLURM_STEP_NUM_TASKS",
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"),
        ("SLURM_JOB_ID", "SLURM_STEP_ID"),
    ),
)
"""What starts groups. Of two that have started a process, the first is meant: each may run within those after it."""


def identity_of(environment: Mapping[str, str]) -> Identity:
    """Return which worker a process with these environment variables is.

    Parameters
    ----------
    environment : Mapping[str, str]
        Of the process, as ``os.environ``.

    Returns
    -------
    Identity
        That of a process alone where nothing has started a group, or a group of one by another command than ours.

    Raises
    ------
    ValueError
        Where the variables contradict each other.
    """
    for starter in STARTERS:
        if starter.sign in environment:
            identity = _told_by(starter, environment)
            return identity if identity.size > 1 or starter.command == LAUNCH else Identity()
    return Identity()


def _told_by(starter: _Starter, environment: Mapping[str, str]) -> Identity:
    """Return the identity that a starter has told, or raise ValueError."""
    names = starter.names
    *numbers, on_this_host = (environment.get(name, "") for name in names)
    if starter.command == SRUN:
        on_this_host = _on_this_node(on_this_host, environment.get("SLURM_NODEID", ""))
    try:
        rank, size, local_rank, local_size = (int(number) for number in (*numbers, on_this_host))
    except ValueError as error:
        shown = ", ".join(f"{name}={environment.get(name)!r}" for name in names)
        raise ValueError(f"the variables of {starter.command} must be whole numbers, got {shown}") from error
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise ValueError(
            f"the rank of {starter.command} must lie in 0 to the number of workers - 1, got {rank} of {size}, and "
            f"{local_rank} of {local_size} on this host ({', '.join(names)})"
        )
    job = ".".join(environment.get(name, "") for name in starter.job)
    return Identity(rank, size, local_rank, local_size, starter.command, job or None)


def _on_this_node(tasks: str, node: str) -> str:
    """Return the number of tasks on a node of those that Slurm lists, such as 4 on node 1 of "4(x2),3"."""
    each = [number for number, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", tasks) for _ in range(int(times or 1))]
    return each[int(node)] if node.isdecimal() and int(node) < len(each) else tasks
