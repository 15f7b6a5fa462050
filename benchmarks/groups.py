"""Groups of gluonvae's workers, with the scheduler and the servers of MXNet's KVStore; on this machine, or each part on
a host of its own behind a link of a given speed: network namespaces, which need root."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from contest import Answer, Worker

from gluonvae.backend import runtime
from gluonvae.distributed.identity import LOCAL_RANK, LOCAL_SIZE, NODE_HOST, RANK, ROOT, SERVERS, SIZE
from gluonvae.distributed.rendezvous import ports_to_try
from gluonvae.launching.agent import prepare


class Host(NamedTuple):
    """Where a process runs."""

    before: Sequence[str] = ()
    """The command that runs another one there."""
    address: str = "127.0.0.1"


HERE = Host()
BURST = 128 * 1024
"""Bytes that a slowed link lets through at once."""


class Group:
    """Workers in processes of ``threads`` threads each, which do the tasks of a script in ``workers`` together.

    The scheduler is on the host of the first worker, and the servers are on the hosts in ``servers``; by default there
    is one, where the first worker is.
    """

    def __init__(
        self,
        hosts: Sequence[Host] = (HERE,),
        servers: Sequence[Host] = (),
        threads: int = 1,
        script: Sequence[str] = ("group_worker.py",),
    ) -> None:
        self.size, servers, root = len(hosts), servers or hosts[:1], hosts[0].address
        port = str(prepare(ports_to_try(), None)["port"])
        of_each = {"OMP_NUM_THREADS": str(threads), SIZE: str(self.size), SERVERS: str(len(servers))}
        of_each.update({ROOT: f"{root}:{port}", LOCAL_RANK: "0", LOCAL_SIZE: "1"})
        of_roles = {"DMLC_PS_ROOT_URI": root, "DMLC_PS_ROOT_PORT": port, "OMP_NUM_THREADS": str(threads)}
        of_roles.update(DMLC_NUM_WORKER=str(self.size), DMLC_NUM_SERVER=str(len(servers)))
        roles = [("scheduler", hosts[0]), *(("server", host) for host in servers)] if self.size > 1 else []
        self._others = [_role(role, host, of_roles) for role, host in roles]

        def start(rank: int) -> Worker:
            own, before = {RANK: str(rank), NODE_HOST: hosts[rank].address}, hosts[rank].before
            return Worker(sys.executable, *script, environment={**of_each, **own}, before=before)

        with ThreadPoolExecutor(self.size) as pool:  # each answers when all are there
            self.workers = [*pool.map(start, range(self.size))]

    def ask(self, *question: Any, **options: Any) -> list[Answer]:
        """Have all do a task at once."""
        with ThreadPoolExecutor(self.size) as pool:
            asked = [pool.submit(worker.ask, *question, **options) for worker in self.workers]
            return [future.result() for future in asked]

    def close(self) -> None:
        for worker in self.workers:
            worker.close()
        for process in self._others:
            process.kill()
            process.wait()


def _role(role: str, host: Host, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if name not in runtime.CHOSEN}
    return subprocess.Popen(
        [*host.before, sys.executable, "-c", "import gluonvae"],
        env={**clean, **environment, "DMLC_ROLE": role, "DMLC_NODE_HOST": host.address},
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Network namespaces that reach each other through a bridge in one more, see :func:`set_link`."""
    names = [_name(i) for i in range(-1, count)]
    switch = names[0]
    for name in names:
        _run(f"ip netns add {name}")
    try:
        _run(f"ip -n {switch} link add br0 type bridge")
        _run(f"ip -n {switch} link set br0 up")
        found = []
        for number, name in enumerate(names[1:]):
            address = f"10.77.0.{number + 1}"
            _run(f"ip link add eth0 netns {name} type veth peer name to{number} netns {switch}")
            _run(f"ip -n {name} addr add {address}/24 dev eth0")
            _run(f"ip -n {name} link set eth0 up")
            _run(f"ip -n {name} link set lo up")
            _run(f"ip -n {switch} link set to{number} master br0 up")
            found.append(Host(("ip", "netns", "exec", name), address))
        yield found
    finally:
        for name in names:
            _run(f"ip netns del {name}")


def set_link(count: int, rate: str) -> None:
    """Give each host a link of that rate in either direction, such as "1gbit"; "" for one without a limit."""
    for number in range(count):
        for name, device in ((_name(number), "eth0"), (_name(-1), f"to{number}")):
            subprocess.run(f"tc -n {name} qdisc del dev {device} root".split(), check=False, stderr=subprocess.DEVNULL)
            if rate:
                _run(f"tc -n {name} qdisc add dev {device} root tbf rate {rate} burst {BURST}b latency 200ms")


def _name(number: int) -> str:
    return f"gluonvae-{os.getpid()}-{'switch' if number < 0 else number}"


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True)
