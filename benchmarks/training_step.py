"""How long does a training step take, beside PyTorch and JAX on the same work?

    python -m venv peers && peers/bin/pip install torch jax     (newer than the extra bench can have)
    python benchmarks/training_step.py --peers peers/bin/python [--device gpu] [--json FILE]

Every contestant is a process of its own and runs in turn, A B C A B C ...; medians are printed. All
are given the same weights, data and noise, and must find the same bound and gradients before they
are timed, but for those with matrix products in bfloat16. The limit is the matrix products at the
speed that a large one has in MXNet here, also those of zeros, and one pass of Adam over memory at the
speed of a copy.
Below the times of a row is the most memory that each process had in it, with its libraries, in MB.
"""

from __future__ import annotations

import sys
import tempfile

import contest
import gluon_model
import machine
import numpy as np
from contest import Worker
from gluon_model import SHARE
from rows import ROWS, Row

PEERS = ("PyTorch eager", "PyTorch compile", "JAX")
"""What computes the same in the same precision."""


def contestants(peers: str, device: str) -> dict[str, Worker]:
    return contest.start(
        {
            "gluonvae": (sys.executable, "gluon_worker.py", "ours", device),
            "plain Gluon": (sys.executable, "gluon_worker.py", "plain", device),
            "imperative Gluon": (sys.executable, "gluon_worker.py", "imperative", device),
            "PyTorch eager": (peers, "torch_worker.py", "eager", device),
            "PyTorch compile": (peers, "torch_worker.py", "compile", device),
            "JAX": (peers, "jax_worker.py", device),
            "gluonvae, bf16": (sys.executable, "gluon_worker.py", "bfloat16", device),
            "PyTorch, bf16": (peers, "torch_worker.py", "bfloat16", device),
        }
    )


def limit(row: Row, gflops: float, bandwidth: float) -> float:
    """Seconds below which no step can be: its matrix products, and Adam's
    seven passes (four reads, three writes) over the parameters."""
    return row.training_gflop / gflops + 7 * 4 * (row.encoder_weights + row.generator_weights) / bandwidth


def disagreement(workers: dict[str, Worker], row: Row, given: str) -> float:
    """How far the contestants are at most from the first in the bound of each data point and in the
    gradients of the biases, relative to the largest of each. Raises RuntimeError where it is no rounding."""
    first, *others = (worker.ask("gradients", row, given).values[0] for worker in workers.values())
    relative = [
        np.abs(np.subtract(other[name], values)).max() / np.abs(values).max()
        for other in others
        for name, values in first.items()
    ]
    if not all(difference < 1e-4 for difference in relative):
        raise RuntimeError(f"the contestants, {', '.join(workers)}, disagree: {relative}")
    return max(relative, default=0.0)


def main() -> None:
    options = contest.parser(__doc__, rounds=7, peers="torch and jax")
    options.add_argument("--share", type=float, default=SHARE, help="of pixels that are 1 (default: %(default)s)")
    asked = contest.parse(options)
    gflops, bandwidth = machine.matrix_speed(asked.ctx), machine.copy_speed(asked.ctx)
    print(f"matrix products {gflops:.0f} GFLOP/s, copy {bandwidth / 1e9:.0f} GB/s")
    workers = contestants(asked.peers, asked.device)
    medians: dict[str, dict[str, float]] = {}
    peaks: dict[str, dict[str, int]] = {}
    print(f"\n{'ms':<36}" + "".join(f"{name:>18}" for name in [*workers, "limit", "best peer / ours", "disagreement"]))
    with tempfile.TemporaryDirectory() as folder:
        for name, row in ROWS.items():
            given = contest.write_given(folder, gluon_model.draw(row, asked.share))
            exact = {name: worker for name, worker in workers.items() if "bf16" not in name}
            rounding = disagreement(exact, row, given)
            repeats = 4 if row.samples > 1 else 20
            answers = contest.in_turn(workers, asked.rounds, "step", row, given, repeats=repeats, warm_up=5)
            medians[name] = {worker: answer.median for worker, answer in answers.items()}
            peaks[name] = {worker: answer.peak for worker, answer in answers.items()}
            peers = [seconds for worker, seconds in medians[name].items() if worker in PEERS]
            ratio = f"{min(peers) / medians[name]['gluonvae']:.2f}" if peers else ""
            shown = [*medians[name].values(), limit(row, gflops, bandwidth)]
            print(f"{name:<36}" + "".join(f"{1e3 * seconds:>18.2f}" for seconds in shown), end="")
            print(f"{ratio:>18}{rounding:>18.0e}")
            print(
                f"{'  memory, MB':<36}" + "".join(f"{peak / 2**20:>18.0f}" for peak in peaks[name].values()), flush=True
            )
    contest.save(asked, medians=medians, peaks=peaks, gflops=gflops, bandwidth=bandwidth)


if __name__ == "__main__":
    main()
