"""Train a small model for many steps, and look whether the processes grow.

``python -m tests.slow.long_run --steps 100000 --workers 4``. After each of ten epochs the training stands still while
the memory, open files, threads and children of all its processes are counted: of each worker, and of the launcher, the
scheduler and the server of several. At the end they must be what they were after the first epoch, the memory to 1 %,
and no process may be left.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import gluonvae as gv
from tests.helpers import small_vae
from tests.helpers.groups import marked

BATCH, EPOCHS = 20, 10
GROWTH = 0.01
"""Of the memory, at most."""
DONE = "done"
"""Name of the file by which rank 0 tells of an epoch, and waits until it is removed."""


class Counted(NamedTuple):
    """What a process has."""

    megabytes: float
    files: int
    threads: int
    children: int


def counted(number):
    """What a process has now."""
    process = Path(f"/proc/{number}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    children = [child for path in process.glob("task/*/children") for child in path.read_text().split()]
    files = len(list((process / "fd").iterdir()))
    return Counted(int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"]), len(children))


def name(number):
    """What a process is in its group."""
    environment = Path(f"/proc/{number}/environ").read_bytes().decode().split("\0")
    known = dict(item.split("=", 1) for item in environment if "=" in item)
    command = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
    if "DMLC_ROLE" in known:
        return known["DMLC_ROLE"]
    if "GLUONVAE_RANK" in known:
        return f"worker {known['GLUONVAE_RANK']}"
    return "launcher" if "launch" in command else "worker 0" if __spec__.name in command else "agent"


def train(folder, steps):
    """Train, and stand still after each epoch until it has been seen."""
    done = Path(folder) / DONE

    class Stop(gv.callbacks.Callback):
        of_first = True

        def on_epoch(self, training, metrics):
            done.touch()
            while done.exists():
                time.sleep(0.01)

    gv.seed(1)
    bound = gv.ELBO(small_vae())
    bound.hybridize(static_alloc=True, static_shape=True)
    images = np.random.default_rng(1).integers(0, 2, (steps // EPOCHS * BATCH, 12)).astype(np.uint8)
    options = {"epochs": EPOCHS, "batch_size": BATCH, "progress": False, "callbacks": [Stop()]}
    gv.fit(bound, images, folder=Path(folder) / "run", checkpoint_minutes=0.1, **options)


def faults(first, last):
    """What has grown from one count of the processes to another."""
    if first.keys() != last.keys():
        return [f"processes: {', '.join(last)} for {', '.join(first)}"]
    found = []
    for who, (megabytes, *others) in last.items():
        if megabytes > (1 + GROWTH) * first[who].megabytes:
            found.append(f"{who}: {megabytes / first[who].megabytes - 1:.1%} more memory")
        if others != [*first[who][1:]]:
            found.append(f"{who}: files, threads, children {others} for {[*first[who][1:]]}")
    return found


def watch(process, done, numbers):
    """Count after each epoch; return what was counted."""
    started, found = time.monotonic(), []
    while process.poll() is None:
        if done.exists():
            found.append(dict(sorted((name(number), counted(number)) for number in numbers())))
            print(f"epoch {len(found)} after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            done.unlink()
        time.sleep(0.05)
    return found


def show(found):
    """Print what each process had after the first epoch, and how its memory went on."""
    print(f"{'':<10}{'files':>6}{'threads':>8}{'children':>9}{'MB':>8}  after each epoch")
    for who, first in found[0].items():
        later = [f"{of[who].megabytes - first.megabytes:+.1f}" if who in of else "none" for of in found[1:]]
        print(
            f"{who:<10}{first.files:>6}{first.threads:>8}{first.children:>9}{first.megabytes:>8.1f}  {' '.join(later)}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--train", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        train(asked.train, asked.steps)
        return 0
    words = ["-m", __spec__.name, "--steps", str(asked.steps), "--train"]
    command = [sys.executable]
    if asked.workers > 1:
        command += ["-m", "gluonvae", "launch", "-n", str(asked.workers), "--", "python"]
    with tempfile.TemporaryDirectory() as folder, marked() as numbers:
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        process = subprocess.Popen([*command, *words, folder], env=environment)
        found = watch(process, Path(folder) / DONE, numbers)
    show(found or [{}])
    wrong = [] if process.returncode == 0 else [f"exit status {process.returncode}"]
    wrong += [f"{len(found)} epochs"] if len(found) != EPOCHS else faults(found[0], found[-1])
    print(
        f"{asked.steps:,} steps, workers: {asked.workers}: {'; '.join(wrong) or 'nothing has grown, nothing is left'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
