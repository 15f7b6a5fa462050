"""Train by two, three and four workers what is the same by one, every row of tests/distributed/trainings.py.

``python -m tests.slow.several_workers``. All workers must end with the same to the bit, and it must be what one process
comes to, to 1e-5: parameters, history and estimates.
"""

import sys

from tests.distributed.trainings import by_workers, faults


def main() -> None:
    found = []
    for count in (2, 3, 4):
        of_each = by_workers(count)
        name, (_, largest) = max(of_each[0].items(), key=lambda item: item[1][1])
        print(f"{count} workers, {len(of_each[0])} trainings: at most {largest:.1e} from one ({name})")
        found += [f"{count} workers: {fault}" for fault in faults(of_each)]
    print(*found, f"{len(found)} at fault", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
