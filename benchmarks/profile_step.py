"""Where does a training step's time go? MXNet's profiler, operator by operator.

    MXNET_EXEC_BULK_EXEC_TRAIN=0 python benchmarks/profile_step.py ["ROW of benchmarks/rows.py"]

Without that setting MXNet reports operators in bulk, not one by one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import Callable

import machine
import numpy as np
from rows import LEARNING_RATE, PIXELS, ROWS, Row

import gluonvae as gv
from gluonvae.runtime import mx

STEPS = 20


def make(row: Row) -> tuple[Callable[[], None], Callable[[], None]]:
    """One that computes the bound and its gradients, and one that then lets the optimizer step."""
    gv.seed(1)
    sizes = [row.shared, row.head]
    vae = gv.construct_vae(
        generator_layer_sizes=row.generator, infer_layer_sizes=sizes, latent_variable_size=row.latent
    )
    vae.initialize()
    bound = gv.ELBO(vae) if row.samples == 1 else gv.IWAE(vae, samples=row.samples)
    bound.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(vae.collect_params(), "fusedadam", {"learning_rate": LEARNING_RATE})
    rng = np.random.default_rng(0)
    data = mx.nd.array(rng.random((row.batch, PIXELS)) < 0.13, dtype="float32")
    noise = mx.nd.array(rng.standard_normal(vae.inference_net.noise_shape(row.batch, row.samples)))

    def compute() -> None:
        with mx.autograd.record():
            loss = -bound(data, noise)
        loss.backward()
        mx.nd.waitall()

    return compute, lambda: trainer.step(row.batch)


def operators(compute: Callable[[], None]) -> dict[str, float]:
    """The share of each operator in the time of all. MXNet counts an operator once or twice, as it
    pleases, so its milliseconds are not to be used."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        mx.profiler.set_config(profile_symbolic=True, aggregate_stats=True, filename=file.name)
        mx.profiler.set_state("run")
        for _ in range(STEPS):
            compute()
        mx.profiler.set_state("stop")
        columns = [line.split() for line in mx.profiler.dumps().splitlines()]
    rows = [row for row in columns if len(row) == 6 and row[1].isdigit() and not row[0].startswith("MX")]
    total = sum(float(row[2]) for row in rows)
    return {row[0]: float(row[2]) / total for row in rows}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else next(iter(ROWS))
    print(machine.describe())
    compute, optimize = make(ROWS[name])
    times = []
    for _ in range(100):
        started = time.perf_counter()
        compute()
        middle = time.perf_counter()
        optimize()
        times.append((middle - started, time.perf_counter() - middle))
    computing, optimizing = np.median(times, axis=0) * 1e3
    print(f"{name}: bound and gradients {computing:.2f} ms, optimizer {optimizing:.2f} ms (medians of 100)")
    for operator, share in sorted(operators(compute).items(), key=lambda item: -item[1])[:24]:
        print(f"{operator:<32}{share:>7.1%}")


if __name__ == "__main__":
    main()
