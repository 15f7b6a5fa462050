"""What does it cost that static graphs look up the arrays of parameters and their gradients at each pass?

    python benchmarks/static_graphs.py [--json FILE]

The same training step as one static graph, as MXNet makes it and as ``gluonvae.backend.static_graphs`` does. Both
take turns in one process, A B A B, on the same weights, data and noise; medians of all steps are printed.
"""

from __future__ import annotations

import statistics
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import contest
from gluon_model import STATIC, Training, draw
from hybridize import turn
from rows import IWAE_PAPER, TUTORIAL, Row

from gluonvae.backend.runtime import mx

ROWS = {
    "IWAE paper, batch 20": IWAE_PAPER._replace(batch=20),
    "IWAE paper, batch 100": IWAE_PAPER._replace(batch=100),
    "tutorial, batch 128": TUTORIAL._replace(batch=128),
}


@contextmanager
def graphs_of(kind: type) -> Iterator[None]:
    """Make graphs of this class."""
    kept, mx.nd.CachedOp = mx.nd.CachedOp, kind
    try:
        yield
    finally:
        mx.nd.CachedOp = kept


def medians(row: Row, asked: Namespace) -> dict[str, float]:
    """Seconds of a step with each kind of graph."""
    given, trainings = draw(row), {}
    for name, kind in (("MXNet's own", mx.nd.CachedOp.__base__), ("gluonvae's", mx.nd.CachedOp)):
        trainings[name] = Training(row, given, asked.ctx, hybridize=STATIC)
        with graphs_of(kind):
            turn(trainings[name], asked.seconds)
    times: dict[str, list[float]] = {name: [] for name in trainings}
    for _ in range(asked.rounds):
        for name, training in trainings.items():
            times[name] += turn(training, asked.seconds)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main() -> None:
    options = contest.parser(__doc__, rounds=15)
    options.add_argument("--seconds", type=float, default=0.3, help="length of a turn (default: %(default)s)")
    asked = contest.parse(options)
    print(f"\n{'ms a step':<24}{'MXNet':>12}{'gluonvae':>12}{'ratio':>8}")
    result: dict[str, dict[str, float]] = {}
    for name, row in ROWS.items():
        result[name] = medians(row, asked)
        own, mended = result[name].values()
        print(f"{name:<24}{1e3 * own:>12.3f}{1e3 * mended:>12.3f}{mended / own:>8.3f}", flush=True)
    contest.save(asked, medians=result)


if __name__ == "__main__":
    main()
