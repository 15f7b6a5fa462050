"""How long does a training step take, beside PyTorch and JAX on the same work?

    python -m venv peers && peers/bin/pip install torch jax      (JAX and mxnet want different numpys)
    python benchmarks/training_step.py --peers peers/bin/python [--device gpu] [--json FILE]

Every contestant is a process of its own and runs in turn, A B C A B C ...; medians are printed. The
limit is the matrix products at the speed that a large one has in MXNet here, and one pass of
Adam over memory at the speed of a copy. Data and noise are given: drawing them is no part of a step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

import machine
import numpy as np
from rows import ROWS, Row, forward_gflop

from gluonvae.runtime import mx

WORKERS = Path(__file__).parent / "workers"
PLAIN = {"GLUONVAE_RUNTIME": "off"}


class Worker:
    """A contestant's process."""

    def __init__(self, interpreter: str, script: str, arguments: list[str], environment: dict[str, str]) -> None:
        unset = {
            name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS", "MXNET_ENGINE_TYPE")
        }
        self.process = subprocess.Popen(
            [interpreter, str(WORKERS / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**unset, **environment},
        )
        first = self._read()
        self.description: Optional[str] = first["description"] if first else None

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def times(self, row: str, steps: int) -> list[float]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"row": row, "steps": steps}) + "\n")
        self.process.stdin.flush()
        return self._read() or []


def contestants(peers: str, device: str) -> dict[str, Worker]:
    cuda = "cpu" if device == "cpu" else "cuda"
    workers = {
        "gluonvae": Worker(sys.executable, "gluon_worker.py", ["ours", device], {}),
        "plain Gluon": Worker(sys.executable, "gluon_worker.py", ["plain", device], PLAIN),
        "imperative Gluon": Worker(sys.executable, "gluon_worker.py", ["imperative", device], PLAIN),
        "PyTorch eager": Worker(peers, "torch_worker.py", ["eager", cuda], {}),
        "PyTorch compile": Worker(peers, "torch_worker.py", ["compile", cuda], {}),
        "JAX": Worker(peers, "jax_worker.py", [], {}),
    }
    for name, worker in workers.items():
        print(f"{name}: {worker.description or 'could not be started'}")
    return {name: worker for name, worker in workers.items() if worker.description}


def limit(row: Row, gflops: float, bandwidth: float) -> float:
    """Seconds below which no step can be: three times the products of a forward pass, and Adam's
    seven passes (four reads, three writes) over the parameters."""
    widths = (row.latent, *row.generator, 784)
    count = 784 * row.shared + 2 * (row.shared * row.head + row.head * row.latent)
    count += sum(before * after for before, after in zip(widths, widths[1:]))
    return 3 * forward_gflop(row) / gflops + 7 * 4 * count / bandwidth


def matrix_speed() -> float:
    """GFLOP/s of a large Dense in MXNet, as gluonvae starts it."""
    data, weight = mx.nd.random.normal(shape=(2048, 784)), mx.nd.random.normal(shape=(512, 784))
    times = []
    for _ in range(30):
        started = time.perf_counter()
        mx.nd.FullyConnected(data, weight, num_hidden=512, no_bias=True).wait_to_read()
        times.append(time.perf_counter() - started)
    return 2e-9 * 2048 * 784 * 512 / statistics.median(times)


def copy_speed() -> float:
    """Bytes a second that a copy reads and writes, of arrays as large as the tutorial's model."""
    source, target = np.ones(1_146_584, np.float32), np.empty(1_146_584, np.float32)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - started)
    return 2 * source.nbytes / statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has torch and jax")
    parser.add_argument("--device", default="cpu", help="cpu or gpu")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each contestant has")
    parser.add_argument("--json", help="file for the medians, in seconds")
    asked = parser.parse_args()
    print(machine.describe())
    gflops, bandwidth = matrix_speed(), copy_speed()
    print(f"matrix products {gflops:.0f} GFLOP/s, copy {bandwidth / 1e9:.0f} GB/s")
    workers = contestants(asked.peers, asked.device)
    result = {name: _row(workers, name, asked.rounds) for name in ROWS}
    print(f"\n{'ms':<36}" + "".join(f"{name:>18}" for name in [*workers, "limit", "best peer / ours"]))
    for name, medians in result.items():
        peers = [seconds for worker, seconds in medians.items() if worker.startswith(("PyTorch", "JAX"))]
        ratio = f"{min(peers) / medians['gluonvae']:.2f}" if peers else ""
        shown = [*medians.values(), limit(ROWS[name], gflops, bandwidth)]
        print(f"{name:<36}" + "".join(f"{1e3 * seconds:>18.2f}" for seconds in shown) + f"{ratio:>18}")
    if asked.json:
        Path(asked.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _row(workers: dict[str, Worker], row: str, rounds: int) -> dict[str, float]:
    steps = 4 if ROWS[row].samples > 1 else 20
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            time.sleep(0.3)  # until the threads of the one before have stopped spinning
            times[name] += worker.times(row, steps)
    return {name: statistics.median(seconds) for name, seconds in times.items() if seconds}


if __name__ == "__main__":
    main()
