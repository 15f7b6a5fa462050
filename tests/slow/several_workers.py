"""Train by two, three and four workers what is the same by one, every row of tests/distributed/trainings.py.

``python -m tests.slow.several_workers``. All workers must end with the same to the bit, and it must be what one process
comes to, to 1e-5: parameters, history and estimates.
"""

import json
import sys
from collections.abc import Iterator

from tests.helpers.workers import outputs

LARGEST = 1e-5
"""Of the differences from one process."""


def faults(of_each: list[dict[str, tuple[str, float]]]) -> Iterator[str]:
    """What is wrong with what each of the workers found."""
    first, *others = of_each
    for name, (digest, differs) in first.items():
        if not differs < LARGEST:
            yield f"{name} differs from one process by {differs:.1e}"
        if [other[name][0] for other in others] != [digest] * len(others):
            yield f"{name} differs between the workers"


def main() -> None:
    found = []
    for count in (2, 3, 4):
        of_each = [json.loads(out) for out in outputs(count, "-m", "tests.distributed.trainings", "1", timeout=3600)]
        largest = max(of_each[0], key=lambda name: of_each[0][name][1])
        print(
            f"{count} workers, {len(of_each[0])} trainings: at most {of_each[0][largest][1]:.1e} from one ({largest})"
        )
        found += [f"{count} workers: {fault}" for fault in faults(of_each)]
    print(*found, f"{len(found)} at fault", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
