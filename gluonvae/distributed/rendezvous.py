"""Where the workers of a group meet, and the scheduler and the server of the KVStore.

``gluonvae launch`` starts these and says where they are. For a group that mpirun or srun has started, all workers find
the place by themselves, and rank 0 starts the two.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import socket
import zlib
from collections.abc import Mapping
from pathlib import Path

from .identity import MPIRUN, NODE_HOST, ROOT, SRUN, Identity

LOOPBACK = "127.0.0.1"

SHARED_FROM = "50000"
"""Arrays of at least so many numbers are divided among the servers, of which each then sends and receives a part; of
fewer a message costs more than their numbers. MXNet's own bound, 1,000,000, is more than many models have."""

PORTS = range(20000, 30000)
"""Of which a group takes one; below those that Linux gives to programs that ask for any, and to connections."""


def ports_to_try(port: int = 0) -> list[int]:
    """Return the ports of which the first free one is taken: the one that is asked for, or some where it is 0."""
    return [port] if port else random.sample(PORTS, 100)


def root_of(identity: Identity, environment: Mapping[str, str]) -> str:
    """Return where the scheduler of a group listens, the same for each of its workers.

    Parameters
    ----------
    identity : Identity
        Of this process.
    environment : Mapping[str, str]
        The variables of its environment; ``GLUONVAE_ROOT`` goes before all else.

    Returns
    -------
    str
        HOST:PORT, on the host of rank 0.

    Raises
    ------
    ValueError
        Where it must be set, or is set to something else.
    """
    if environment.get(ROOT):
        address_of(environment[ROOT])
        return environment[ROOT]
    job = _job_of(identity)
    if identity.local_size == identity.size:
        host = LOOPBACK
    elif identity.started_by == SRUN and environment.get("SLURM_STEP_NODELIST"):
        host = first_host(environment["SLURM_STEP_NODELIST"])
    else:
        raise ValueError(_unknown(identity, "which host rank 0 is on"))
    return f"{host}:{PORTS[zlib.crc32(job.encode()) % len(PORTS)]}"


def _unknown(identity: Identity, what: str) -> str:
    """Return what is said where a starter leaves something open."""
    option = f" (mpirun -x {ROOT}=HOST:PORT, mpiexec -genv {ROOT} HOST:PORT)" if identity.started_by == MPIRUN else ""
    return (
        f"{identity.started_by} does not tell its workers {what}: set {ROOT}=HOST:PORT for all of them, the host of "
        f"rank 0 and a port that is free there{option}"
    )


def _job_of(identity: Identity) -> str:
    """Return what the workers on this host have in common with each other alone."""
    if identity.job is not None:
        return f"{identity.started_by} {identity.job}"
    # MPICH's proxy on a host starts each worker in a session of its own
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{os.getsid(0)}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{identity.started_by} {status.rpartition(')')[2].split()[1]}"  # the parent of the session's first
    raise ValueError(_unknown(identity, "which group they belong to"))


def first_host(hosts: str) -> str:
    """Return the first of the hosts that Slurm lists, such as node03 of "node[03-05,9],other"."""
    return re.sub(r"\[(\w+)[^]]*\]", r"\1", hosts).partition(",")[0]


def address_of(root: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT, or raise ValueError."""
    host, _, port = root.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{ROOT} must be HOST:PORT, such as node1:20000, got {root!r}")
    return host, int(port)


def worker_environment(root: str, size: int, servers: int = 1) -> dict[str, str]:
    """Return the environment variables with which a worker finds the others, for ``mx.kv.create("dist_sync")``.

    Parameters
    ----------
    root : str
        HOST:PORT, see :func:`root_of`.
    size : int
        Number of workers.
    servers : int
        Number of servers.

    Returns
    -------
    dict[str, str]
        DMLC_ROLE, DMLC_PS_ROOT_URI and so on.

    Raises
    ------
    ValueError
        Where the host cannot be found.
    """
    host, port = address_of(root)
    address = numeric(host)
    given = os.environ.get(NODE_HOST)
    own = numeric(given) if given else _on_the_way_to(address)
    variables = {
        "DMLC_ROLE": "worker",
        # by its name: it may know itself by another address than the others do, such as Debian's 127.0.1.1
        "DMLC_PS_ROOT_URI": LOOPBACK if is_local(host) else host,
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NUM_WORKER": str(size),
        "DMLC_NUM_SERVER": str(servers),
        "MXNET_KVSTORE_BIGARRAY_BOUND": os.environ.get("MXNET_KVSTORE_BIGARRAY_BOUND") or SHARED_FROM,
    }
    if own.startswith("127.") and not is_local(host):
        return variables  # MXNet takes the address of its first network
    return {**variables, "DMLC_NODE_HOST": own}


def is_local(host: str) -> bool:
    """Return whether all workers are on one host, by the name that they have for rank 0's."""
    return host in (LOOPBACK, "localhost")


def numeric(host: str) -> str:
    """Return the address of a host, or raise ValueError."""
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise ValueError(f"host {host} of the group cannot be found: {error.strerror}") from None


def _on_the_way_to(address: str) -> str:
    """Return the address of this host on the way to another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((address, 1))  # which sends nothing
        except OSError as error:
            raise ValueError(f"the host of rank 0, {address}, cannot be reached: {error.strerror}") from None
        return way.getsockname()[0]


def check_port(root: str) -> None:
    """Raise ValueError unless this process can listen where the scheduler is to listen."""
    (host, port), here = address_of(root), socket.gethostname()
    for address in (numeric(host), ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise ValueError(
                        f"{ROOT} must be on the host of rank 0, {here}, which does not have the address of {host}"
                    ) from None
                raise ValueError(
                    f"port {port} on {here}: {error.strerror}. Set {ROOT}=HOST:PORT with another port for all workers"
                ) from None
