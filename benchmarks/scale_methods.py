"""What do fewer bits and fewer sums of gradients cost in the bound?

    python benchmarks/scale_methods.py [--rounds 3] [--json FILE]

The bound on the test images of the digits after trainings by two workers, from as many seeds as there are rounds; each
method sees the same data and noise.
"""

from __future__ import annotations

import statistics
import tempfile

import contest
from groups import HERE, Group
from rows import TUTORIAL

ALL, BITS, LOCAL = "all", "bits", "local"
METHODS = {
    "all, in each step": (ALL, 1),
    **{f"2 bits, threshold {t}": (BITS, t) for t in (2, 16, 64)},
    **{f"{steps} local steps": (LOCAL, steps) for steps in (4, 16)},
}
"""Each by its kind and a number, of a threshold in nats: gradients are sums over a worker's data points."""
MODEL = TUTORIAL._replace(shared=200, head=200, latent=20, generator=(200, 200), batch=128)


def bounds(method: str, seeds: int, given: str) -> list[float]:
    """On the test images, in nats."""
    group = Group([HERE] * 2, script=("group_methods.py", method))
    answers = group.ask("train", MODEL, given, repeats=seeds)
    group.close()
    return answers[0].values


def main() -> None:
    asked = contest.parse(contest.parser(__doc__, rounds=3))
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        given = contest.write_given(folder, {})
        for method in METHODS:
            found[method] = bounds(method, asked.rounds, given)
            mean, first = statistics.mean(found[method]), statistics.mean(found[next(iter(METHODS))])
            each = " ".join(f"{bound:.2f}" for bound in found[method])
            print(f"{method:<24}{mean:>9.2f}{mean - first:>+8.2f}   {each}", flush=True)
    contest.save(asked, bounds=found)


if __name__ == "__main__":
    main()
