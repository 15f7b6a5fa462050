"""Where does a training step's time go? MXNet's profiler, operator by operator.

    MXNET_EXEC_BULK_EXEC_TRAIN=0 python benchmarks/profile_step.py ["ROW of benchmarks/rows.py"]

Without that setting MXNet reports operators in bulk, not one by one.
"""

from __future__ import annotations

import sys
import tempfile
import time

import machine
import numpy as np
from gluon_model import Training, draw
from rows import ROWS

from gluonvae.backend.runtime import mx

STEPS = 20


def operators(training: Training) -> dict[str, float]:
    """The share of each operator in the time of all. MXNet counts an operator once or twice, as it
    pleases, so its milliseconds are not to be used."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        mx.profiler.set_config(profile_symbolic=True, aggregate_stats=True, filename=file.name)
        mx.profiler.set_state("run")
        for _ in range(STEPS):
            training.compute()
            mx.nd.waitall()
        mx.profiler.set_state("stop")
        columns = [line.split() for line in mx.profiler.dumps().splitlines()]
    rows = [row for row in columns if len(row) == 6 and row[1].isdigit() and not row[0].startswith("MX")]
    total = sum(float(row[2]) for row in rows)
    return {row[0]: float(row[2]) / total for row in rows}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else next(iter(ROWS))
    print(machine.describe())
    training = Training(ROWS[name], draw(ROWS[name]))
    times = []
    for _ in range(100):
        started = time.perf_counter()
        training.compute()
        mx.nd.waitall()
        middle = time.perf_counter()
        training.optimize()
        mx.nd.waitall()
        times.append((middle - started, time.perf_counter() - middle))
    computing, optimizing = np.median(times, axis=0) * 1e3
    print(f"{name}: bound and gradients {computing:.2f} ms, optimizer {optimizing:.2f} ms (medians of 100)")
    for operator, share in sorted(operators(training).items(), key=lambda item: -item[1])[:16]:
        print(f"{operator:<32}{share:>7.1%}")


if __name__ == "__main__":
    main()
