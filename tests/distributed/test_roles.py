"""Groups that others have started, and the scheduler and the server that rank 0 starts for them: real processes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from queue import Queue

import pytest

from gluonvae.distributed.roles import Roles
from tests.helpers.processes import CLEAN
from tests.helpers.workers import free_port
from tests.slow.netns import Hosts, missing, wait_for

SECONDS = 1.0
"""After rank 0 its worker leaves."""
WORKER = [sys.executable, str(Path(__file__).with_name("worker.py")), str(SECONDS)]
OUTSIDE = {
    **{name: value for name, value in CLEAN.items() if not re.match("OMPI_|PMI|MPI_|SLURM_STEP|HOROVOD_", name)},
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}


def open_mpi(rank):
    of_group = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "2", "PMIX_NAMESPACE": f"test {os.getpid()}"}
    return {**of_group, "OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_LOCAL_RANK": str(rank)}


def mpich(rank):
    """The parent of the session's first process is that of the group, as with its proxy."""
    return {"PMI_SIZE": "2", "PMI_RANK": str(rank), "MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": str(rank)}


def slurm(rank):
    of_group = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_NODEID": "0"}
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "vm"}
    return {**of_group, **job, "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}


def check(output, started_by):
    """What the two workers print; MPICH writes a line into another's."""
    for rank in (0, 1):
        assert output.count(f"{started_by} {rank} of 2: [2.0, 11.0]") == 1
    seconds = float(re.search(r"ended after ([0-9.]+) s", output)[1])
    assert SECONDS - 0.5 < seconds < 15  # when the last worker had left, and not at the limit


@pytest.mark.parametrize(
    ("told", "started_by"),
    [(open_mpi, "mpirun"), (mpich, "mpirun"), (slurm, "srun")],
    ids=["Open MPI", "MPICH", "Slurm"],
)
def test_workers_with_the_variables_of_a_starter_add_up(told, started_by):
    workers = [
        subprocess.Popen(
            WORKER, env={**OUTSIDE, **told(rank)}, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        for rank in (1, 0)
    ]
    try:
        check("".join(worker.communicate(timeout=60)[0] for worker in workers), started_by)
        assert [worker.returncode for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()


COMMANDS = {
    "mpirun.openmpi": "mpirun.openmpi --allow-run-as-root --oversubscribe -np 2",
    "mpiexec.mpich": "mpiexec.mpich -np 2",
    "srun": "srun --immediate=5 -n 2",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_real_command(command, tmp_path):
    name = command.split()[0]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "srun" and subprocess.run(["sinfo"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Slurm runs here")
    done = subprocess.run(
        [*command.split(), *WORKER], env=OUTSIDE, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    check(done.stdout, name.replace("mpiexec.mpich", "mpirun").partition(".")[0])


def over_two_hosts(rank):
    return {**slurm(rank), "SLURM_STEP_TASKS_PER_NODE": "1(x2)", "SLURM_NODEID": str(rank), "SLURM_LOCALID": "0"}


@pytest.mark.skipif(bool(missing()), reason=f"network namespaces: {missing()}")
@pytest.mark.parametrize("own", ["10.77.0.1", "127.0.1.1"])
def test_workers_on_two_hosts_find_each_other(own):
    """Also where the first knows itself by another address than the second does, as Debian's."""
    with Hosts(2) as hosts:
        names = hosts.etc(0) / "hosts"
        names.write_text(names.read_text().replace("10.77.0.1 node0", f"{own} node0"))
        workers = [
            hosts.start(
                rank,
                WORKER,
                env={**OUTSIDE, **over_two_hosts(rank), "SLURM_STEP_NODELIST": "node[0-1]"},
                stdout=subprocess.PIPE,
                text=True,
            )
            for rank in (0, 1)
        ]
        check("".join(worker.communicate(timeout=60)[0] for worker in workers), "srun")


def free_root():
    return f"127.0.0.1:{free_port()}"


def is_running(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_what_has_killed_the_server_is_told():
    said = Queue()
    with Roles(free_root(), 2, died=said.put) as roles:
        _, server = roles.processes
        server.kill()
        assert said.get(timeout=10) == "the server of the KVStore was ended by SIGKILL"
        roles.end(timeout=0)
        assert said.empty()  # of the scheduler, which was ended on purpose
    assert all(process.returncode == -signal.SIGKILL for process in roles.processes)


def test_why_the_scheduler_has_failed_is_told(monkeypatch):
    said, root = Queue(), free_root()
    monkeypatch.setattr("gluonvae.distributed.roles.check_port", lambda root: None)
    host, port = root.split(":")
    with socket.create_server((host, int(port))), Roles(root, 2, died=said.put):
        line = said.get(timeout=30)
    assert line.startswith("the scheduler of the KVStore ended with status 1: MXNetError: Check failed")
    assert "\n" not in line


def test_a_port_in_use_starts_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(ValueError, match="Address already in use"):
        Roles(f"127.0.0.1:{server.getsockname()[1]}", 2)


def ignores_sigterm(process):
    mask = re.search(r"^SigIgn:\s*(\w+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)[1]
    return int(mask, 16) >> (signal.SIGTERM - 1) & 1


def test_they_end_with_rank_0_and_not_before():
    """Slurm sends SIGTERM to every process of a job whose time is up, and rank 0 has to save then."""
    code = (
        "import time; from gluonvae.distributed.roles import Roles; "
        f"print(*(process.pid for process in Roles({free_root()!r}, 2).processes), flush=True); time.sleep(60)"
    )
    rank_0 = subprocess.Popen([sys.executable, "-c", code], env=OUTSIDE, stdout=subprocess.PIPE, text=True)
    processes = rank_0.stdout.readline().split()
    assert len(processes) == 2
    wait_for(lambda: all(map(ignores_sigterm, processes)))  # which is their last preparation
    for process in processes:
        os.kill(int(process), signal.SIGTERM)
    time.sleep(0.2)
    assert all(map(is_running, processes))
    rank_0.kill()
    rank_0.communicate()
    wait_for(lambda: not any(map(is_running, processes)))
