"""Damaged files of every kind: each is read or refused in a line, in bounded time and memory.

    python -m tests.slow.fuzz_readers --minutes 60 --seed 1

A case is a function of the seed and its number: ``--first N --count 1`` repeats one. The files are those of
tests/helpers/damage.py, where a reader of another kind is a line.
"""

import argparse
import functools
import importlib.util
import itertools
import json
import logging
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.helpers.damage import IMAGES, SAMPLES, UNNAMED, damaged_file, read
from tests.slow.workers import supervise

KINDS = {**SAMPLES, **IMAGES}

SLOWEST = 10.0
"""Seconds that the reading of a small file may take."""
MOST = 400 << 20
"""Bytes by which it may let the peak of memory grow: what gluonvae.data.opening.ROOM allows, and what works with it."""
BATCH = 20_000
"""Cases of a worker."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        for number in range(asked.first, asked.first + asked.count):
            print(json.dumps(run_case(asked.worker, asked.seed, number)), flush=True)
        return 0
    started, outcomes, bad = time.time(), Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        for outcome in _outcomes(asked, Path(folder)):
            outcomes[outcome.get("sample"), outcome.get("read")] += 1
            if outcome["faults"]:
                bad += 1
                print(json.dumps(outcome), flush=True)
            if asked.count is None and time.time() - started > 60 * asked.minutes:
                break
    for name in KINDS:
        print(f"{name:20} {outcomes[name, True]:8,} read {outcomes[name, False]:8,} refused")
    print(f"{sum(outcomes.values()):,} files of seed {asked.seed} in {time.time() - started:.0f} s; {bad} at fault")
    return int(bad > 0)


def _outcomes(asked, folder):
    if asked.count is not None:
        return supervise("tests.slow.fuzz_readers", folder, asked.seed, range(asked.first, asked.first + asked.count))
    batches = (range(first, first + BATCH) for first in itertools.count(asked.first, BATCH))
    return itertools.chain.from_iterable(
        supervise("tests.slow.fuzz_readers", folder, asked.seed, batch) for batch in batches
    )


def run_case(folder, seed, number):
    """Read one damaged file, and return which it was and what was wrong."""
    logging.disable()
    chosen = random.Random(f"{seed} {number}")
    name = chosen.choice([name for name, sample in KINDS.items() if importlib.util.find_spec(sample.needs)])
    sample = KINDS[name]
    path = folder / sample.file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damaged_file(sample, _valid(name), chosen))
    before, started, faults, said = _peak(), time.monotonic(), [], ""
    try:
        said = read(sample, path)
    except BaseException as error:
        faults.append(f"{type(error).__name__}: {error}")
    faults += [f"{time.monotonic() - started:.0f} seconds"] * (time.monotonic() - started > SLOWEST)
    faults += [f"{_peak() - before:,} bytes of memory"] * (_peak() - before > MOST)
    faults += [said] * said.startswith(UNNAMED)
    return {"number": number, "sample": name, "read": not said, "faults": faults}


@functools.cache
def _valid(name):
    return KINDS[name].make()


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    sys.exit(main())
