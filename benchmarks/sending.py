"""What does it bring to send gradients in pieces, while others are computed, or not in each step?

    python benchmarks/sending.py [--rounds N] [--json FILE]        (as root, on Linux)

Steps of fit, the tutorial's model, by two workers of one thread in network namespaces whose links are slowed, with a
server where the first is, or one with each; and steps of a loop in which workers average their parameters after
several.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from typing import Any

import contest
import gluon_model
import groups
from groups import Group, Host
from rows import TUTORIAL

EACH = 8
WHOLE, AFTER, DURING, LOCAL = "one message", "pieces after", "pieces during", f"{EACH} local steps"
WAYS = (WHOLE, AFTER, DURING, LOCAL)
"""The gradients are sent when all are there, in one message or in pieces, or pieces during the backward pass; or none
are, and the parameters are averaged after so many steps."""
RATES = {"none": "", "1 Gbit/s": "1gbit", "0.25 Gbit/s": "250mbit"}
BATCHES = (128, 512)


def steps(hosts: list[Host], servers: int, rounds: int, repeats: int, folder: str) -> list[dict[str, Any]]:
    """Print and return what a step takes, link by link."""
    of_ways = {way: Group(hosts, hosts[:servers], script=("sending_worker.py", way)) for way in WAYS}
    found = []
    for batch, (link, rate) in itertools.product(BATCHES, RATES.items()):
        row = TUTORIAL._replace(batch=batch)
        given = contest.write_given(folder, gluon_model.draw(row))
        groups.set_link(len(hosts), rate)
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        early: list[int] = []
        for turn, (way, group) in itertools.product(range(rounds), of_ways.items()):
            first, *_ = group.ask("step", row, given, repeats=repeats, warm_up=2 if turn else 5)
            seconds[way] += [taken / (EACH if way == LOCAL else 1) for taken in first.seconds]
            early += first.values if way == DURING else []
        medians = {way: statistics.median(values) for way, values in seconds.items()}
        faster = [medians[WHOLE] / medians[way] for way in WAYS[1:]]
        print(f"{batch:<8}{servers:<9}{link:<14}" + "".join(f"{1 / medians[way]:>15.2f}" for way in WAYS), end="")
        print("".join(f"{times:>9.2f}" for times in faster) + f"{statistics.mean(early):>9.1f}", flush=True)
        found.append({"batch": batch, "servers": servers, "link": link, "seconds": medians})
    for group in of_ways.values():
        group.close()
    return found


def main() -> None:
    options = contest.parser(__doc__, rounds=5)
    options.add_argument("--repeats", type=int, default=10, help="steps in each turn (default: %(default)s)")
    asked = contest.parse(options)
    print("\nsteps/s, how many times as fast as with one message, and pieces sent early in a step")
    print(f"{'batch':<8}{'servers':<9}{'link':<14}" + "".join(f"{way:>15}" for way in WAYS), end="")
    print(f"{'after':>9}{'during':>9}{'local':>9}{'early':>9}")
    found = []
    with tempfile.TemporaryDirectory() as folder, groups.hosts(2) as hosts:
        for servers in (1, 2):
            found += steps(hosts, servers, asked.rounds, asked.repeats, folder)
    contest.save(asked, steps=found)


if __name__ == "__main__":
    main()
