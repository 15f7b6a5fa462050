"""How fast is log p(x) estimated by importance sampling, beside PyTorch and JAX?

    python benchmarks/likelihood.py --peers peers/bin/python [--device gpu] [--json FILE]

Images times samples a second, of models trained for a few epochs. Every contestant is a process of
its own with the same weights and images; each draws noise of its own, anew in each turn, so that
what they find differs by the Monte-Carlo error, which is told. The limit is the generator's matrix
products at the speed that a large one has in MXNet here.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import contest
import gluon_model
import machine
import numpy as np
from contest import Answer, Worker
from rows import IWAE_PAPER, LEARNING_RATE, TUTORIAL, Row

import gluonvae as gv


def contestants(peers: str, device: str) -> dict[str, Worker]:
    return contest.start(
        {
            "gluonvae": (sys.executable, "gluon_worker.py", "ours", device),
            "PyTorch eager": (peers, "torch_worker.py", "eager", device),
            "PyTorch compile": (peers, "torch_worker.py", "compile", device),
            "JAX": (peers, "jax_worker.py", device),
        }
    )


def trained(row: Row, epochs: int, ctx: Any) -> dict[str, np.ndarray]:
    """Weights of a model that knows something of digits, and test images."""
    gv.seed(1)
    digits, vae = gv.data.load("digits"), gluon_model.construct(row, ctx=ctx)
    bound = gv.ELBO(vae)
    bound.hybridize(**gluon_model.STATIC)
    gv.fit(bound, digits.train, epochs=epochs, batch_size=100, learning_rate=2 * LEARNING_RATE, progress=False)
    return {**gluon_model.weights(vae), "data": digits.test.batch(np.arange(row.batch) % len(digits.test))}


def agreement(answers: dict[str, Answer]) -> str:
    """What each found, and how far apart they are beside the Monte-Carlo error of that."""
    found = {name: np.array(answer.values) for name, answer in answers.items()}  # (turns, images) each
    means = {name: values.mean() for name, values in found.items()}
    error = np.sqrt(np.mean([values.mean(axis=1).var(ddof=1) / len(values) for values in found.values()]))
    apart = max(means.values()) - min(means.values())
    told = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
    return f"log p(x), nats: {told}; at most {apart:.4f} apart, Monte-Carlo error of each {error:.4f}"


def main() -> None:
    options = contest.parser(__doc__, rounds=5, peers="torch and jax")
    options.add_argument("--images", type=int, default=200)
    options.add_argument("--samples", type=int, default=5000)
    options.add_argument("--epochs", type=int, default=20, help="of training beforehand")
    asked = contest.parse(options)
    gflops = machine.matrix_speed(asked.ctx)
    print(f"matrix products {gflops:.0f} GFLOP/s; {asked.images} images, {asked.samples} samples")
    workers, speeds = contestants(asked.peers, asked.device), {}
    print(f"\n{'1000 images x samples / s':<26}" + "".join(f"{n:>17}" for n in [*workers, "limit"]), end="")
    print(f"{'ours / JAX':>17}{'ours / limit':>17}")
    with tempfile.TemporaryDirectory() as folder:
        for name, network in {"tutorial": TUTORIAL, "IWAE paper": IWAE_PAPER}.items():
            row = network._replace(batch=asked.images, samples=asked.samples)
            given = contest.write_given(folder, trained(row, asked.epochs, asked.ctx))
            answers = contest.in_turn(workers, asked.rounds, "likelihood", row, given, warm_up=1)
            each = {worker: row.batch * row.samples / answer.median for worker, answer in answers.items()}
            each["limit"] = row.batch * row.samples * gflops / row.generator_gflop
            ratios = [each["gluonvae"] / each[other] if other in each else float("nan") for other in ("JAX", "limit")]
            print(f"{name:<26}" + "".join(f"{speed / 1e3:>17.1f}" for speed in each.values()), end="")
            print("".join(f"{ratio:>17.2f}" for ratio in ratios))
            memory = [answer.peak / 2**20 for answer in answers.values()]
            print(f"{'  memory, MB':<26}" + "".join(f"{megabytes:>17.0f}" for megabytes in memory))
            print(agreement(answers), flush=True)
            speeds[name] = each
    contest.save(asked, images=asked.images, samples=asked.samples, speeds=speeds, gflops=gflops)


if __name__ == "__main__":
    main()
