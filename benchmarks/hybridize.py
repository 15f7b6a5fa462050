"""What is hybridising worth? The same training step, imperatively and as one graph.

    python benchmarks/hybridize.py [--device gpu] [--json FILE]

Both modes alternate in one process, A B A B, on the same weights, data and noise; medians of all
steps are printed.
"""

from __future__ import annotations

import statistics
import time
from argparse import Namespace

import contest
from gluon_model import STATIC, Training, draw
from rows import IWAE_PAPER, TUTORIAL, Row

ROWS = {
    **{f"tutorial, batch {batch}": TUTORIAL._replace(batch=batch) for batch in (1, 4, 16, 64, 128, 512, 1024, 4096)},
    **{
        f"IWAE paper, batch {batch}, {samples} samples": IWAE_PAPER._replace(batch=batch, samples=samples)
        for batch in (20, 100)
        for samples in (1, 5, 20, 50)
    },
}
TARGET, SMALL = 1.25, 128
"""What the ratio should be at least, for batches of at most so many."""


def turn(training: Training, seconds: float) -> list[float]:
    """The seconds of as many steps as fit into ``seconds``, of two at least."""
    times: list[float] = []
    while len(times) < 2 or sum(times) < seconds:
        started = time.perf_counter()
        training.step()
        times.append(time.perf_counter() - started)
    return times


def medians(row: Row, asked: Namespace) -> dict[str, float]:
    """Seconds of a step in each mode."""
    given = draw(row)
    trainings = {
        "imperative": Training(row, given, asked.ctx, hybridize=None),
        "hybridised": Training(row, given, asked.ctx, hybridize=STATIC),
    }
    for training in trainings.values():
        turn(training, asked.seconds / 2)
    times: dict[str, list[float]] = {mode: [] for mode in trainings}
    for _ in range(asked.rounds):
        for mode, training in trainings.items():
            times[mode] += turn(training, asked.seconds)
    return {mode: statistics.median(seconds) for mode, seconds in times.items()}


def main() -> None:
    options = contest.parser(__doc__, rounds=7)
    options.add_argument("--seconds", type=float, default=0.3, help="length of a turn (default: %(default)s)")
    asked = contest.parse(options)
    print(f"\n{'ms a step':<36}{'imperative':>12}{'hybridised':>12}{'ratio':>8}")
    result: dict[str, dict[str, float]] = {}
    ratios: dict[str, float] = {}
    for name, row in ROWS.items():
        result[name] = medians(row, asked)
        ratios[name] = result[name]["imperative"] / result[name]["hybridised"]
        print(f"{name:<36}" + "".join(f"{1e3 * seconds:>12.2f}" for seconds in result[name].values()), end="")
        print(f"{ratios[name]:>8.2f}", flush=True)
    small = [ratio for name, ratio in ratios.items() if ROWS[name].batch <= SMALL]
    print(f"up to batch {SMALL}: at least {min(small):.2f}, median {statistics.median(small):.2f}; target {TARGET}")
    contest.save(asked, medians=result)


if __name__ == "__main__":
    main()
