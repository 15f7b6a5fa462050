"""Where the workers of a group meet."""

import shutil
import socket
import subprocess

import pytest

from gluonvae.distributed.identity import Identity, identity_of
from gluonvae.distributed.rendezvous import address_of, check_port, first_host, root_of, worker_environment
from tests.distributed.test_identity import MPICH, OPEN_MPI, SRUN

HERE = socket.gethostname()


def on_one_host(started_by, job, rank=0):
    return Identity(rank, 2, rank, 2, started_by, job)


def test_all_workers_of_a_job_find_one_place_and_other_jobs_another():
    roots = {root_of(on_one_host("srun", "7.0", rank), {}) for rank in (0, 1)}
    (root,) = roots
    host, port = address_of(root)
    assert host == "127.0.0.1"
    assert 20000 <= port < 30000
    others = {root_of(on_one_host("srun", job), {}) for job in ("7.1", "8.0")} | {
        root_of(on_one_host("mpirun", "7.0"), {})
    }
    assert len(others | roots) == 4


def test_slurms_first_node_where_there_are_several():
    assert root_of(identity_of(SRUN), SRUN).startswith("node03:2")


def test_the_users_place_goes_before_all():
    for environment in (OPEN_MPI, MPICH, SRUN):
        told = {**environment, "GLUONVAE_ROOT": "node1:4321"}
        assert root_of(identity_of(told), told) == "node1:4321"


def test_mpirun_on_several_hosts_needs_it():
    several = {**OPEN_MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}
    with pytest.raises(
        ValueError, match="mpirun does not tell its workers which host rank 0 is on: set GLUONVAE_ROOT=HOST:PORT"
    ):
        root_of(identity_of(several), several)


@pytest.mark.parametrize("root", ["node1", "node1:", ":20000", "node1:port", "node1:0", "node1:65536", "node1:-3"])
def test_a_place_that_is_none(root):
    with pytest.raises(ValueError, match=f"GLUONVAE_ROOT must be HOST:PORT, such as node1:20000, got '{root}'"):
        root_of(on_one_host("srun", "7.0"), {"GLUONVAE_ROOT": root})


LISTS = {
    "vm": "vm",
    "a,b": "a",
    "node[03-05,9],other": "node03",
    "node[9,03-05]": "node9",
    "other,node[3-5]": "other",
    "rack[1-2]-node[03-04,7],x": "rack1-node03",
}


@pytest.mark.parametrize(("hosts", "first"), LISTS.items())
def test_the_first_host_of_a_list(hosts, first):
    assert first_host(hosts) == first


@pytest.mark.skipif(shutil.which("scontrol") is None, reason="Slurm is not installed")
@pytest.mark.parametrize("hosts", LISTS)
def test_the_first_host_is_slurms(hosts):
    done = subprocess.run(["scontrol", "show", "hostnames", hosts], capture_output=True, text=True, check=True)
    assert first_host(hosts) == done.stdout.split()[0]


def test_what_the_kvstore_is_told(monkeypatch):
    monkeypatch.delenv("GLUONVAE_NODE_HOST", raising=False)
    told = {
        "DMLC_ROLE": "worker",
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": "20000",
        "DMLC_NUM_WORKER": "4",
        "DMLC_NUM_SERVER": "2",
        "DMLC_NODE_HOST": "127.0.0.1",
        "MXNET_KVSTORE_BIGARRAY_BOUND": "50000",
    }
    assert worker_environment("127.0.0.1:20000", 4, servers=2) == told
    assert worker_environment("localhost:20000", 4, servers=2) == told  # it listens at no name
    monkeypatch.setenv("GLUONVAE_NODE_HOST", "10.0.0.7")
    assert worker_environment("127.0.0.1:20000", 4)["DMLC_NODE_HOST"] == "10.0.0.7"


def test_a_host_that_calls_itself_by_loopback_lets_mxnet_choose_its_address(monkeypatch):
    """As Debian's 127.0.1.1, which means another host to the others."""
    monkeypatch.delenv("GLUONVAE_NODE_HOST", raising=False)
    assert "DMLC_NODE_HOST" not in worker_environment("127.0.1.1:20000", 4)


def test_a_host_that_is_not_known():
    for use in (lambda root: worker_environment(root, 2), check_port):
        with pytest.raises(ValueError, match=r"host nowhere\.invalid of the group cannot be found"):
            use("nowhere.invalid:20000")


@pytest.mark.parametrize("address", ["127.0.0.1", "", "127.0.0.2"])
def test_a_port_in_use(address):
    with socket.create_server((address, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ValueError, match=f"port {port} on {HERE}: Address already in use. Set GLUONVAE_ROOT=HOST:PORT"
        ):
            check_port(f"127.0.0.1:{port}")
    check_port(f"127.0.0.1:{port}")


def test_the_scheduler_is_on_rank_0s_host():
    with pytest.raises(
        ValueError, match=f"must be on the host of rank 0, {HERE}, which does not have the address of 192.0.2.77"
    ):
        check_port("192.0.2.77:20000")
