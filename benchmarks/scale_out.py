"""What do several workers on one machine bring, and what limits them?

    python benchmarks/scale_out.py [--rounds N] [--json FILE]

Training steps of 1, 2 and 4 workers of one thread each, and of one with two threads, on the same global batch; what a
step spends its time with in rank 0; what goes over the loopback; and the likelihood in one and in two workers.
"""

from __future__ import annotations

import itertools
import re
import statistics
import tempfile
from pathlib import Path
from typing import Any

import contest
import gluon_model
from groups import HERE, Group
from rows import IWAE_PAPER, ROWS

STEPS = {
    name: ROWS[name] for name in ("tutorial, batch 128", "tutorial, batch 512", "IWAE paper, batch 100, 50 samples")
}
LIKELIHOOD = IWAE_PAPER._replace(batch=40, samples=5000)
PARTS = ("compute", "wait", "copy", "update")
WIDTH = 36


def loopback() -> int:
    """Bytes that have come over the loopback device."""
    match = re.search(r"lo:\s*(\d+)", Path("/proc/net/dev").read_text(encoding="ascii"))
    return int(match[1]) if match else 0


def steps(groups: dict[str, Group], rounds: int, repeats: int, folder: str) -> dict[str, Any]:
    """Print and return what a step takes in each of the groups, row by row."""
    found: dict[str, Any] = {}
    columns = ("rows/s", "ratio", "ms a step", *PARTS, "messages", "MB a step")
    for title, row in STEPS.items():
        given = contest.write_given(folder, gluon_model.draw(row))
        seconds: dict[str, list[float]] = {name: [] for name in groups}
        parts: dict[str, list[Any]] = {name: [] for name in groups}
        sent: dict[str, list[float]] = {name: [] for name in groups}
        for turn, (name, group) in itertools.product(range(rounds), groups.items()):
            if not turn:
                group.ask("step", row, given, repeats=1, warm_up=5)
            before = loopback()
            first, *_ = group.ask("step", row, given, repeats=repeats)
            sent[name].append((loopback() - before) / repeats)
            seconds[name] += first.seconds
            parts[name] += first.values
        print(f"\n{title:<{WIDTH}}" + "".join(f"{column:>11}" for column in columns))
        alone = statistics.median(next(iter(seconds.values())))
        for name, group in groups.items():
            median = statistics.median(seconds[name])
            each = [1e3 * statistics.median(column) for column in zip(*parts[name])]
            numbers = [row.batch / median, alone / median, 1e3 * median, *each]
            messages = 2 * group.size if group.size > 1 else 0  # each sends its own, and is sent the sum
            traffic = statistics.median(sent[name]) / 1e6 if messages else 0.0
            print(f"{name:<{WIDTH}}{numbers[0]:>11,.0f}" + "".join(f"{x:>11.2f}" for x in numbers[1:]), end="")
            print(f"{messages:>11}{traffic:>11.2f}", flush=True)
            found.setdefault(title, {})[name] = dict(zip(columns, [*numbers, messages, traffic]))
    return found


def likelihoods(groups: dict[str, Group], rounds: int, folder: str) -> float:
    """Print the seconds of an estimate in one and in two workers, and return how many times as fast two are."""
    row, given = LIKELIHOOD, gluon_model.draw(LIKELIHOOD._replace(samples=1))
    del given["noise"]
    path = contest.write_given(folder, given)
    seconds: dict[str, list[float]] = {"1 worker": [], "2 workers": []}
    for turn, name in itertools.product(range(rounds), seconds):
        seconds[name] += groups[name].ask("likelihood", row, path, repeats=1, warm_up=0 if turn else 1)[0].seconds
    one, two = map(statistics.median, seconds.values())
    ratios = sorted(a / b for a, b in zip(*seconds.values()))
    print(
        f"\nlog p(x) of {row.batch} images, {row.samples} samples, the IWAE paper's network: {one:.2f} s in 1 worker, ",
        end="",
    )
    print(f"{two:.2f} s in 2: {one / two:.2f} times as fast (turn by turn {ratios[0]:.2f} to {ratios[-1]:.2f})")
    return one / two


def main() -> None:
    options = contest.parser(__doc__, rounds=5)
    options.add_argument("--repeats", type=int, default=20, help="steps in each turn (default: %(default)s)")
    asked = contest.parse(options)
    groups = {"1 worker": Group(), "1 worker, 2 threads": Group(threads=2)}
    groups.update({f"{count} workers": Group([HERE] * count) for count in (2, 4)})
    with tempfile.TemporaryDirectory() as folder:
        found = steps(groups, asked.rounds, asked.repeats, folder)
        faster = likelihoods(groups, asked.rounds, folder)
    for group in groups.values():
        group.close()
    contest.save(asked, steps=found, likelihood=faster)


if __name__ == "__main__":
    main()
