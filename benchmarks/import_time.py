"""What does ``import gluonvae`` cost beside ``import mxnet``? Whole processes, in turn.

python benchmarks/import_time.py [REPEATS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import machine

from gluonvae.runtime import CHOSEN

# What gluonvae has set for this process is none of the others' business.
CLEAN = {name: value for name, value in os.environ.items() if name not in CHOSEN}
STATEMENTS = ("import mxnet", "import gluonvae")


def seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True, env=CLEAN)
    return time.perf_counter() - started


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    print(machine.describe())
    for statement in STATEMENTS:
        seconds(statement)
    pairs = [[seconds(statement) for statement in STATEMENTS] for _ in range(repeats)]
    for statement, times in zip(STATEMENTS, zip(*pairs)):
        print(f"{statement}: median {statistics.median(times):.2f} s of {repeats}")
    ratios = [ours / mxnets for mxnets, ours in pairs]
    print(f"ratio, pair by pair: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    main()
