"""Groups of workers, started as whatever starts them does, without a launcher."""

import contextlib
import subprocess
import sys

from gluonvae.distributed.rendezvous import ports_to_try
from gluonvae.launching.agent import prepare
from tests.helpers.processes import CLEAN


def free_port():
    """A port that nothing listens on, and that no connection is given."""
    return prepare(ports_to_try(), None)["port"]


@contextlib.contextmanager
def workers(count, *words, timeout=60, **environment):
    """The processes of ``count`` workers that run Python with ``words``, and with them scheduler and servers."""
    port = free_port()
    base = {**CLEAN, "OMP_NUM_THREADS": "1", **environment}
    store = {"DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": str(port)}
    servers = int(environment.get("GLUONVAE_SERVERS", 1))
    store.update(DMLC_NUM_WORKER=str(count), DMLC_NUM_SERVER=str(servers))
    others = [
        subprocess.Popen([sys.executable, "-c", "import gluonvae"], env={**base, **store, "DMLC_ROLE": role})
        for role in ["scheduler", *["server"] * servers]
    ]
    started = []
    for rank in map(str, range(count)):
        of_worker = {"GLUONVAE_RANK": rank, "GLUONVAE_SIZE": str(count), "GLUONVAE_ROOT": f"127.0.0.1:{port}"}
        of_worker.update(GLUONVAE_LOCAL_RANK=rank, GLUONVAE_LOCAL_SIZE=str(count), GLUONVAE_TIMEOUT=str(timeout))
        started.append(
            subprocess.Popen(
                [sys.executable, *words],
                env={**base, **of_worker},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        yield started
    finally:
        for process in (*started, *others):
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def outputs(count, *words, timeout=100, **environment):
    """What each of ``count`` workers, all of which must succeed, prints."""
    with workers(count, *words, **environment) as started:
        found = [process.communicate(timeout=timeout) for process in started]
        assert [process.returncode for process in started] == [0] * count, found
    return [out for out, _ in found]
