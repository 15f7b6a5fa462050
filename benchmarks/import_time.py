"""What does ``import gluonvae`` cost beside ``import mxnet``, and how long until the first training
step is done? Whole processes, in turn.

python benchmarks/import_time.py [REPEATS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import machine

from gluonvae.backend.runtime import CHOSEN

# What gluonvae has set for this process is none of the others' business.
CLEAN = {name: value for name, value in os.environ.items() if name not in CHOSEN}

FIRST_STEP = """
import gluonvae as gv
from mxnet import autograd, nd
train, _, _ = gv.data.load("digits")
vae = gv.construct_vae()
vae.initialize()
bound = gv.ELBO(vae)
bound.hybridize(static_alloc=True, static_shape=True)
trainer = gv.Trainer(vae.collect_params(), "adam", {"learning_rate": 2e-3})
with autograd.record():
    loss = -bound(nd.array(train.batch(slice(100))))
loss.backward()
trainer.step(100)
nd.waitall()
"""
STATEMENTS = {"import mxnet": "import mxnet", "import gluonvae": "import gluonvae", "to the first step": FIRST_STEP}


def seconds(statement: str, **environment: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True, env={**CLEAN, **environment})
    return time.perf_counter() - started


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    print(machine.describe())
    for statement in STATEMENTS.values():
        seconds(statement)
    rounds = [[seconds(statement) for statement in STATEMENTS.values()] for _ in range(repeats)]
    for name, times in zip(STATEMENTS, zip(*rounds)):
        print(f"{name}: median {statistics.median(times):.2f} s of {repeats}, at most {max(times):.2f} s")
    ratios = [ours / mxnets for mxnets, ours, _ in rounds]
    print(f"import gluonvae / import mxnet, pair by pair: median {statistics.median(ratios):.3f}")
    with tempfile.TemporaryDirectory() as empty:
        print(f"to the first step, nothing compiled before: {seconds(FIRST_STEP, NUMBA_CACHE_DIR=empty):.2f} s")


if __name__ == "__main__":
    main()
