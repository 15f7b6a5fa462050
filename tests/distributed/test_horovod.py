"""Sums over workers by Horovod, in processes that horovodrun starts."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gluonvae.distributed.horovod import INSTALL, Horovod
from gluonvae.distributed.identity import Identity
from tests.distributed.test_roles import OUTSIDE

HOROVODRUN = shutil.which("horovodrun", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
needs_horovod = pytest.mark.skipif(HOROVODRUN is None, reason="Horovod is not installed")

WORKER = """
import os, signal, sys
from gluonvae.backend.runtime import mx
from gluonvae.distributed.horovod import Horovod
from gluonvae.distributed.identity import identity_of

def main():
    identity = identity_of(os.environ)
    rank = identity.rank
    exchange = Horovod(identity)

    def show(size, dtype):
        values = mx.nd.arange(size, dtype=dtype) * (1 + 10 * rank)
        exchange.sum(values)
        print(rank, values.dtype.__name__, values.asnumpy().tolist(), flush=True)

    {what}
    exchange.close()

main()
"""


def run(folder, what):
    """Run two workers that do something, and return their outcome and for how many seconds they ran."""
    script = folder / "worker.py"
    script.write_text(WORKER.format(what=what.replace("\n", "\n    ")))
    command = [HOROVODRUN, "--gloo", "-np", "2", sys.executable, str(script)]
    start = time.monotonic()
    done = subprocess.run(
        command, env=OUTSIDE, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )
    return done, time.monotonic() - start


@needs_horovod
def test_the_sum_is_that_of_numpy(tmp_path):
    """1 + 11 times 0, 1, 2, ...; in turn by size and type."""
    done, _ = run(tmp_path, "for _ in range(2): show(3, 'float32'); show(5, 'float64'); show(1, 'float32')")
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        lines = re.findall(rf"^\[{rank}\]<stdout>:{rank} (.*)$", done.stdout, re.MULTILINE)
        assert lines == 2 * ["float32 [0.0, 12.0, 24.0]", "float64 [0.0, 12.0, 24.0, 36.0, 48.0]", "float32 [0.0]"]


FAULTS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "raises": "raise KeyError('mine')",
    "leaves with status 0": "sys.exit(0)",
    "has another size": "show(4, 'float32')",
    "has another type": "show(3, 'float64')",
}


@needs_horovod
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_one_worker_ends_both(fault, tmp_path):
    """Also under MXNet's naive engine, which goes on with the array of one worker alone."""
    what = f"for step in range(9):\n    if step == 3 and rank == 1:\n        {fault}\n    show(3, 'float32')\nprint('done')"
    done, seconds = run(tmp_path, what)
    assert done.returncode != 0
    assert seconds < 60
    assert "done" not in done.stdout
    sums = re.findall(r"^\[0\]<stdout>:0 float32 (.*)$", done.stdout, re.MULTILINE)
    assert sums == 3 * ["[0.0, 12.0, 24.0]"]


@needs_horovod
def test_horovod_without_horovodrun():
    """Built without MPI, it takes each process for one alone."""
    code = "from gluonvae.distributed.horovod import *; Horovod(Identity(1, 2, 1, 2, 'srun'))"
    done = subprocess.run([sys.executable, "-c", code], env=OUTSIDE, capture_output=True, text=True, check=False)
    assert (
        "ValueError: Horovod finds rank 0 of 1 where srun has told rank 1 of 2: start the workers with horovodrun"
        in done.stderr
    )


def test_without_horovod(monkeypatch):
    monkeypatch.setitem(sys.modules, "horovod", None)
    with pytest.raises(ImportError, match="workers of horovodrun need Horovod for MXNet: ") as raised:
        Horovod(Identity(0, 2, 0, 2, "horovodrun"))
    assert str(raised.value).endswith(INSTALL)
