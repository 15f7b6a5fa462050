"""How long does a training step take where other processes hold the cores, beside PyTorch and JAX in the same company?

    python -m venv peers && peers/bin/pip install torch jax     (newer than the extra bench can have)
    python benchmarks/company.py --peers peers/bin/python [--json FILE]

One, two and four trainings at once; one beside a busy loop on each core; five of a small step at once. Trainings that
are at once are of the same contestant, each a process of its own. Medians of all steps of all of them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import contest
import gluon_model
from contest import Worker
from rows import ROWS

SECONDS = 4.0
"""How long the steps of a crowd go on."""


class Crowd(NamedTuple):
    row: str
    count: int
    busy: bool = False
    """Whether there is a busy loop on each core as well."""


CROWDS = {
    "one": Crowd("IWAE paper, batch 100", 1),
    "two at once": Crowd("IWAE paper, batch 100", 2),
    "four at once": Crowd("IWAE paper, batch 100", 4),
    "one beside a busy loop on each core": Crowd("IWAE paper, batch 100", 1, busy=True),
    "one of a small step": Crowd("IWAE paper, batch 20", 1),
    "five of a small step at once": Crowd("IWAE paper, batch 20", 5),
}


def contestants(peers: str) -> dict[str, tuple[str, ...]]:
    return {
        "gluonvae": (sys.executable, "gluon_worker.py", "ours", "cpu"),
        "PyTorch compile": (peers, "torch_worker.py", "compile", "cpu"),
        "JAX": (peers, "jax_worker.py", "cpu"),
    }


def busy_loop() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


def median_of(arguments: tuple[str, ...], crowd: Crowd, folder: str) -> float:
    """Seconds of a step in a crowd."""
    row = ROWS[crowd.row]
    given = contest.write_given(folder, gluon_model.draw(row))
    with ExitStack() as stack:
        workers = [Worker(*arguments) for _ in range(crowd.count)]
        for worker in workers:
            stack.callback(worker.close)
            alone = worker.ask("step", row, given, repeats=20, warm_up=5).median
        if crowd.busy:
            for _ in range(os.cpu_count() or 1):
                loop = busy_loop()
                stack.callback(loop.wait)
                stack.callback(loop.kill)
        slower = crowd.count * (2 if crowd.busy else 1)
        repeats = max(20, int(SECONDS / alone / slower))
        with ThreadPoolExecutor(crowd.count) as pool:
            asked = [pool.submit(worker.ask, "step", row, given, repeats, 5) for worker in workers]
            return statistics.median(second for answer in asked for second in answer.result().seconds)


def main() -> None:
    asked = contest.parse(contest.parser(__doc__, rounds=3, peers="torch and jax"))
    names = contestants(asked.peers)
    found: dict[str, dict[str, float]] = {}
    print(f"\n{'ms a step':<40}" + "".join(f"{name:>18}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        for title, crowd in CROWDS.items():
            turns: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(asked.rounds):
                for name, arguments in names.items():
                    turns[name].append(median_of(arguments, crowd, folder))
            found[title] = {name: statistics.median(values) for name, values in turns.items()}
            print(f"{title:<40}" + "".join(f"{1e3 * second:>18.2f}" for second in found[title].values()), flush=True)
    contest.save(asked, seconds=found)


if __name__ == "__main__":
    main()
