"""The faults of :mod:`tests.slow.faults`: what harm they do, and what is to come of it."""

import contextlib
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import numpy as np

import gluonvae
from tests.slow import launched
from tests.slow.full_disk import fill

TIMEOUT = 10
"""Seconds, as ``--timeout``, unless a fault needs another."""
MIDST = ("midst",)
ALL = ("start", "midst", "end")
PACKAGE = Path(gluonvae.__file__).parent
MEMORY = Path(f"/sys/fs/cgroup/memory/gluonvae{os.getpid()}")
"""A group of processes with a limit of memory, where the machine has them."""

SCRIPT = """
import os, resource, sys
from pathlib import Path
import gluonvae as gv

folder, group = Path(sys.argv[1]), gv.distributed.current()
begun = "again" in sys.argv or os.environ.get("GLUONVAE_RESTARTS", "0") != "0"


def harm(metrics):
    died = folder.parent / "died"
    if group.rank == 1 and metrics["epoch"] == 4 and not died.exists():
        died.touch()
        {harm}


def take_all():
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000, -1))
    taken = []
    while True:
        taken.append(bytearray(10_000_000))


gv.seed(3)
vae = gv.construct_vae(data_dims=784, latent_variable_size=3, infer_layer_sizes=[20], generator_layer_sizes=[20])
vae.initialize()
bound = gv.ELBO(vae)
bound.hybridize()
train, valid, _ = gv.data.load("digits")
how = {{"resume": folder}} if begun else {{"folder": folder}}
params = {{"epsilon": 1e-3}}
gv.fit(bound, train, valid, epochs=8, batch_size=100, optimizer_params=params, callbacks=[harm], checkpoint_epochs=1,
    progress=False, **how)
"""


class Fault:
    """Something that goes wrong.

    Parameters
    ----------
    act : callable
        Does harm to a trial; returns whether there was something to do it to.
    text : str
        A regular expression of the launcher's line.
    status : int
        The launcher's exit status.
    within : float, optional
        Seconds to the end.
    moments : tuple of str
        When it may come.
    may_restart : bool
        Whether it does not come again.
    resumes : bool
        Whether there is a training that can be gone on with.
    needs_hosts, needs_root : bool
        Whether it is one between hosts; whether only root can do it.
    timeout : float
    script : str
        What the workers do in the place of ``train``.
    prepare, undo : callable
        Called with the trial, before its start, and when it has ended.
    """

    def __init__(
        self,
        act,
        text,
        status=4,
        within=5,
        moments=ALL,
        may_restart=True,
        resumes=True,
        needs_hosts=False,
        needs_root=False,
        timeout=TIMEOUT,
        script="",
        options=(),
        prepare=lambda trial: None,
        undo=lambda trial: None,
    ):
        self.act, self.text, self.status, self.within = act, text, status, within
        self.moments, self.may_restart, self.resumes = moments, may_restart, resumes
        self.needs_hosts, self.needs_root, self.timeout = needs_hosts, needs_hosts or needs_root, timeout
        self.script, self.options, self.prepare, self.undo = script, options, prepare, undo
        self.needs_moment = not script and bool(moments)
        self.wanted = None


def send(name, number):
    """Send a signal to a process, of "another" worker to any but the first."""

    def act(trial):
        to = name if name != "worker" else f"worker {trial.rng.randrange(1, trial.size)}"
        return trial.launched.send(to, number)

    return act


def tell_launcher(*numbers):
    def act(trial):
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                trial.launched.process.send_signal(number)
            time.sleep(trial.rng.uniform(0.1, 0.5) if len(numbers) > 1 else 0)
        return trial.launched.process.poll() is None

    return act


def wait_for_death(trial):
    """Wait until worker 1 has done itself harm, and has ended."""
    worker = None

    def has_ended():
        nonlocal worker
        worker = worker or trial.launched.member("worker 1")
        return (trial.place / "died").exists() and not launched.alive({worker})

    return trial.launched.wait_until(has_ended)


def limit_memory(trial):
    """Have the system kill a worker that asks for more memory than there is."""
    number = trial.launched.member("worker 1")
    if number is None:
        return False
    MEMORY.mkdir(exist_ok=True)
    (MEMORY / "memory.limit_in_bytes").write_text("4096")
    with contextlib.suppress(OSError):
        (MEMORY / "cgroup.procs").write_text(str(number))
        return True
    return False


def unlimit_memory(trial):
    if MEMORY.exists():
        (MEMORY / "memory.limit_in_bytes").write_text("-1")
        with contextlib.suppress(OSError):
            MEMORY.rmdir()


def cut(seconds=None):
    def act(trial):
        trial.hosts.cut(1)
        if seconds:
            time.sleep(seconds)
            trial.hosts.join(1)
        return True

    return act


def join(trial):
    if trial.hosts is not None:
        trial.hosts.join(1)


def unreachable(trial):
    trial.hosts.cut(1)


def other_version(trial):
    own = PACKAGE / "_version.py"
    other = trial.place / "_version.py"
    other.write_text(own.read_text() + '__version__ = "0.0.1"\n')
    trial.hosts.replace(1, own, other)


def other_data(trial):
    """A file of the same path that has other numbers on node1."""
    rows = np.random.default_rng(1).integers(0, 256, (1000, 8, 8)).astype(np.uint8)
    for name in ("data.npy", "other.npy"):
        np.save(trial.place / name, rows)
        rows = 255 - rows
    trial.hosts.replace(1, trial.place / "data.npy", trial.place / "other.npy")
    place = trial.place / "data.npy"
    trial.fault.options = ["--data", place]


def small_disk(trial):
    trial.disk = trial.place / "disk"
    trial.disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "gluonvae", trial.disk], check=True)
    trial.stack.callback(subprocess.run, ["umount", trial.disk], check=True)
    trial.folder = trial.disk / "run"


def fill_disk(trial):
    fill(trial.disk, 0)
    return True


def free_disk(trial):
    (trial.disk / "filler").unlink(missing_ok=True)


def nothing(trial):
    return True


of_two_hosts = partial(
    Fault, nothing, status=2, within=None, moments=(), may_restart=False, resumes=False, needs_hosts=True
)
"""A fault that is there from the start, as two hosts are not alike."""

KILLED = r"on (localhost|node\d) was killed by SIGKILL"
FAULTS = {
    "a worker killed": Fault(send("worker", signal.SIGKILL), rf"^worker [123] {KILLED}"),
    "rank 0 killed": Fault(send("worker 0", signal.SIGKILL), rf"^worker 0 {KILLED}"),
    "the server killed": Fault(send("server", signal.SIGKILL), rf"^server {KILLED}"),
    "the scheduler killed": Fault(send("scheduler", signal.SIGKILL), rf"^scheduler {KILLED}"),
    "a worker raises": Fault(
        wait_for_death,
        r"^worker 1 on localhost ended with exit status 1 .*: RuntimeError: no such thing",
        moments=MIDST,
        script=SCRIPT.format(harm='raise RuntimeError("no such thing")'),
    ),
    "memory runs out in a worker": Fault(
        wait_for_death,
        r"^worker 1 on localhost ended with exit status 1 .*: MemoryError",
        moments=MIDST,
        script=SCRIPT.format(harm="take_all()"),
    ),
    "the system kills a worker for memory": Fault(
        limit_memory,
        rf"^worker 1 {KILLED}, as memory ran out there",
        needs_root=True,
        undo=unlimit_memory,
    ),
    "a worker stopped": Fault(
        send("worker", signal.SIGSTOP), r"^worker [123] on localhost is stopped, and has", within=TIMEOUT + 5
    ),
    "a full disk": Fault(
        fill_disk,
        r"^worker 0 on localhost ended with exit status 4.*No space left on device",
        within=None,
        moments=MIDST,
        may_restart=False,
        needs_root=True,
        prepare=small_disk,
        undo=free_disk,
    ),
    "the launcher killed": Fault(tell_launcher(signal.SIGKILL), "", status=-signal.SIGKILL, may_restart=False),
    "Ctrl-C": Fault(tell_launcher(signal.SIGINT), "stopped by SIGINT", status=130, within=None, may_restart=False),
    "Ctrl-C twice": Fault(
        tell_launcher(signal.SIGINT, signal.SIGINT), "stopped by SIGINT", status=130, may_restart=False
    ),
    "a link cut for 30 s": Fault(
        cut(30), "", status=0, within=None, moments=MIDST, may_restart=False, needs_hosts=True, timeout=60
    ),
    "a link cut for good": Fault(
        cut(),
        "^the host node1 has been silent for 1[0-5] s",
        within=TIMEOUT + 10,
        moments=MIDST,
        may_restart=False,
        needs_hosts=True,
        undo=join,
    ),
    "a host that cannot be reached": Fault(
        nothing,
        "^node1 cannot be used: ssh: connect to host node1 port 22: ",
        within=60,
        moments=(),
        may_restart=False,
        resumes=False,
        needs_hosts=True,
        timeout=60,
        prepare=unreachable,
        undo=join,
    ),
    "another version on a host": of_two_hosts(
        r"^worker \d on node\d ended with exit status 2.*rank 1 on node1 has another gluonvae than rank 0 on node0",
        prepare=other_version,
    ),
    "other data on a host": of_two_hosts(
        r"^worker \d on node\d ended with exit status 2.*rank 1 on node1 has another training data than rank 0",
        prepare=other_data,
    ),
}
