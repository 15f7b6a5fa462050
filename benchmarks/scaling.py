"""How do time and memory of a training step grow with the batch, the samples, the widths, the code?

    python benchmarks/scaling.py [--plot FILE.png] [--device gpu] [--json FILE]

Around the tutorial's model, one size at a time; each point is a process of its own. Memory is what
the process has had at most beyond what it had after its imports: parameters, gradients, Adam's state,
data, noise, the graph's arrays, and about 100 MB that numba takes to load FusedAdam. Beside the time
stands that of the step's matrix products alone, at the speed that a large one has in MXNet here.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from typing import NamedTuple

import contest
import gluon_model
import machine
from contest import Worker
from matplotlib.figure import Figure
from rows import TUTORIAL, Row

SERIES: dict[str, dict[int, Row]] = {
    "batch": {size: TUTORIAL._replace(batch=size) for size in (1, 4, 16, 64, 256, 1024, 4096)},
    "samples, batch 20": {size: TUTORIAL._replace(batch=20, samples=size) for size in (1, 5, 20, 50, 200, 500)},
    "width of all hidden layers, batch 128": {
        size: Row(size, size, 100, (size, size), batch=128) for size in (50, 100, 200, 500, 1000, 2000)
    },
    "latent variables, batch 128": {
        size: TUTORIAL._replace(latent=size, batch=128) for size in (2, 10, 50, 100, 500, 2000)
    },
}


class Point(NamedTuple):
    seconds: float
    memory: float
    """Bytes."""
    products: float
    """Seconds that the matrix products alone would take."""


def measure(row: Row, rounds: int, steps: int, device: str, gflops: float) -> Point:
    """Medians over fresh processes."""
    times, memories = [], []
    with tempfile.TemporaryDirectory() as folder:
        given = contest.write_given(folder, gluon_model.draw(row))
        for _ in range(rounds):
            worker = Worker(sys.executable, "gluon_worker.py", "ours", device)
            answer = worker.ask("step", row, given, repeats=steps, warm_up=3)
            worker.close()
            times += answer.seconds
            memories.append(answer.peak - worker.peak)
    return Point(statistics.median(times), statistics.median(memories), row.training_gflop / gflops)


def plot(found: dict[str, dict[int, Point]], path: str) -> None:
    """Time above, memory below, a column a series."""
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    for column, (name, points) in zip(figure.subplots(2, len(found), sharex="col", sharey="row").T, found.items()):
        sizes, (seconds, memory, products) = [*points], zip(*points.values())
        column[0].plot(sizes, [1e3 * value for value in seconds], marker="o", label="a step")
        column[0].plot(sizes, [1e3 * value for value in products], "--", color="gray", label="its matrix products")
        column[1].plot(sizes, [value / 2**20 for value in memory], marker="o", color="C1")
        column[1].set_xlabel(name)
        for axis in column:
            axis.set_xscale("log")
            axis.grid(alpha=0.3)
    first = figure.axes[0]
    first.set(yscale="log", ylabel="ms a step")
    first.legend()
    figure.axes[len(found)].set(ylim=(0, None), ylabel="MB")
    figure.savefig(path, dpi=80)


def main() -> None:
    options = contest.parser(__doc__, rounds=3)
    options.add_argument("--steps", type=int, default=10, help="in each process (default: %(default)s)")
    options.add_argument("--plot", metavar="FILE", help="a picture, PNG, SVG or PDF")
    asked = contest.parse(options)
    gflops = machine.matrix_speed(asked.ctx)
    print(f"matrix products {gflops:.0f} GFLOP/s")
    found: dict[str, dict[int, Point]] = {}
    for name, rows in SERIES.items():
        print(f"\n{name:<40}{'ms a step':>12}{'products':>12}{'ratio':>8}{'MB':>10}")
        found[name] = {}
        for size, row in rows.items():
            point = found[name][size] = measure(row, asked.rounds, asked.steps, asked.device, gflops)
            print(f"{size:<40}{1e3 * point.seconds:>12.2f}{1e3 * point.products:>12.2f}", end="")
            print(f"{point.seconds / point.products:>8.2f}{point.memory / 2**20:>10.1f}", flush=True)
    if asked.plot:
        plot(found, asked.plot)
    series = {name: {size: point._asdict() for size, point in points.items()} for name, points in found.items()}
    contest.save(asked, gflops=gflops, series=series)


if __name__ == "__main__":
    main()
