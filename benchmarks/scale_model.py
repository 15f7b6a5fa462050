"""From how many data points on does it pay to have more workers, for a given link and model?

    python benchmarks/scale_model.py [--faster 100] [--json FILE]        (as root, on Linux)

Steps and sums are timed here, sums between network namespaces whose links are slowed. To these a model is fitted,

    step = parameters (update + copy + rows compute) + messages m + bytes handled h + bytes over a link e / bandwidth,

from which the tables follow. Of a sum over W workers by S servers, S = 1 on the first worker's host or S = W, one on
each, a server gets W messages and sends W, and a worker S each. Each server handles W/S of the bytes of the gradients,
and (W - 1)/S of them come over the busiest link, and go back.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import contest
import gluon_model
import groups
import numpy as np
from groups import Group
from rows import TUTORIAL

ROWS = (32, 64, 128, 256, 512)
SIZES = (10**3, 10**4, 10**5, 4 * 10**5, 10**6)
RATES = {"": 0.0, "1gbit": 1e9, "250mbit": 0.25e9}
PARAMETERS = TUTORIAL.encoder_weights + TUTORIAL.generator_weights
MANY = [(workers, 10**power) for workers in (10, 100, 1000) for power in (6, 7, 8, 9)]
LINKS = [(servers, gigabits) for servers in ("1", "W") for gigabits in (1, 10, 100)]
"""How many servers there are, and Gbit/s."""
LATENCY = 1e-4
"""Seconds that a message takes over a link in a data centre, which a namespace's does not."""
ROWS_EACH, ROWS_OF_ALL = 128, 12_800


class Sum(NamedTuple):
    """A sum of so many numbers, float32."""

    workers: int
    servers: int
    size: int
    rate: float
    """Bits a second; 0 for a link without a limit."""

    @property
    def messages(self) -> float:
        """At a server and at a worker."""
        return 2 * (self.workers + self.servers)

    @property
    def handled(self) -> float:
        """Bytes at a server."""
        return 4 * self.size * self.workers / self.servers

    @property
    def over_link(self) -> float:
        """Seconds that the bytes take on the busiest link."""
        return 2 * 32 * self.size * (self.workers - 1) / self.servers / self.rate if self.rate else 0.0


class Model(NamedTuple):
    """Seconds."""

    update: float
    """Of each parameter in a step, and so on."""
    copy: float
    compute: float
    """For each data point."""
    message: float
    handled: float
    """A byte."""
    link: float
    """What a byte takes on a link is multiplied with this."""

    def sum(self, of: Sum, latency: float = 0.0) -> float:
        return self.message * of.messages + self.handled * of.handled + self.link * of.over_link + 2 * latency

    def alone(self, parameters: int, rows: float, faster: float = 1.0) -> float:
        """A step of one worker."""
        return parameters * (self.update + self.compute * rows) / faster

    def step(self, of: Sum, rows: float, faster: float = 1.0) -> float:
        """A step of each of many workers."""
        return self.alone(of.size, rows, faster) + of.size * self.copy / faster + self.sum(of, LATENCY)

    def break_even(self, of: Sum, faster: float = 1.0) -> float:
        """Rows of each worker from which on all together are faster than one."""
        lost = self.sum(of, LATENCY) + of.size * (self.copy - (of.workers - 1) * self.update) / faster
        return max(1.0, lost * faster / (of.size * self.compute * (of.workers - 1)))


def measured_steps(rounds: int, folder: str) -> tuple[float, float, float]:
    """Seconds of a parameter in a step of the tutorial's model: its update, copies, and for each data point."""
    alone, two, found = Group(), Group([groups.HERE] * 2), {}
    for rows in ROWS:
        row = TUTORIAL._replace(batch=rows)
        given = contest.write_given(folder, gluon_model.draw(row))
        found[rows] = statistics.median(alone.ask("step", row, given, repeats=15 * rounds, warm_up=5)[0].seconds)
    copies = [values[2] for values in two.ask("step", row, given, repeats=10 * rounds, warm_up=5)[0].values]
    for group in (alone, two):
        group.close()
    compute, update = np.polyfit(ROWS, [found[rows] for rows in ROWS], 1, w=[1 / found[rows] for rows in ROWS])
    print(f"\n{'rows of a batch':<20}{'ms a step':>12}{'the model':>12}")
    for rows, seconds in found.items():
        print(f"{rows:<20}{1e3 * seconds:>12.2f}{1e3 * (update + compute * rows):>12.2f}")
    return update / PARAMETERS, statistics.median(copies) / PARAMETERS, compute / PARAMETERS


def measured_sums(rounds: int, folder: str) -> dict[Sum, float]:
    """Seconds of sums over links."""
    given, found = contest.write_given(folder, {}), {}
    for workers, servers in ((2, 1), (4, 1), (4, 4)):
        with groups.hosts(workers) as hosts:
            group = Group(hosts, hosts[:servers])
            for name, rate in RATES.items():
                groups.set_link(workers, name)
                for size in SIZES:
                    repeats = max(3, min(10 * rounds, int(1e6 / size)))
                    answer = group.ask(f"sum {size}", TUTORIAL, given, repeats=repeats, warm_up=2)[0]
                    found[Sum(workers, servers, size, rate)] = answer.median
            group.close()
    return found


def fit(of_steps: tuple[float, float, float], sums: dict[Sum, float]) -> Model:
    """By least squares of relative errors, of sums by one server: the cores here are shared by all servers.

    What a slowed link lets through at once, see :data:`groups.BURST`, is left out.
    """
    one = {of: seconds for of, seconds in sums.items() if of.servers == 1}
    one = {of: seconds for of, seconds in one.items() if not of.rate or 4 * of.size > 2 * groups.BURST}
    columns = np.array([[of.messages, of.handled, of.over_link] for of in one])
    seconds = np.array([*one.values()])
    return Model(*of_steps, *np.linalg.lstsq(columns / seconds[:, None], np.ones(len(one)), rcond=None)[0])


def show_fit(model: Model, sums: dict[Sum, float]) -> None:
    print(f"\n{'workers':<10}{'servers':>8}{'numbers':>12}{'Gbit/s':>10}{'ms a sum':>12}{'the model':>12}")
    for of, seconds in sums.items():
        # all servers are on the same cores here
        predicted = model.sum(of) + model.handled * of.handled * (of.servers - 1)
        print(f"{of.workers:<10}{of.servers:>8}{of.size:>12,}{of.rate / 1e9 or float('inf'):>10g}", end="")
        print(f"{1e3 * seconds:>12.2f}{1e3 * predicted:>12.2f}")
    print(f"\nA step: {1e12 * model.compute:.2f} ps a parameter and data point, ", end="")
    print(f"{1e9 * model.update:.2f} ns a parameter, ", end="")
    print(f"{1e9 * model.copy:.2f} ns to copy it; a sum: {1e6 * model.message:.0f} µs a message, ", end="")
    print(f"{1e9 * model.handled:.2f} ns a byte handled, {model.link:.2f} times the bytes' time on a link")


def table(title: str, cells: Iterable[tuple[str, list[float]]]) -> None:
    heads = [f"{gigabits} Gbit/s, S={servers}" for servers, gigabits in LINKS]
    print(f"\n{title}\n{'workers, parameters':<24}" + "".join(f"{head:>18}" for head in heads))
    for name, values in cells:
        print(f"{name:<24}" + "".join(f"{value:>18,.3g}" for value in values))


def show_tables(model: Model, faster: float) -> None:
    """Speed-ups over one worker, and where there are any."""

    def cells(of_one: Any) -> list[tuple[str, list[float]]]:
        found = []
        for workers, parameters in MANY:
            sums = [Sum(workers, workers if s == "W" else 1, parameters, 1e9 * gigabits) for s, gigabits in LINKS]
            found.append((f"{workers:,}, 10^{len(str(parameters)) - 1}", [of_one(of) for of in sums]))
        return found

    def each(of: Sum) -> float:
        return of.workers * model.alone(of.size, ROWS_EACH, faster) / model.step(of, ROWS_EACH, faster)

    def of_all(of: Sum) -> float:
        return model.alone(of.size, ROWS_OF_ALL, faster) / model.step(of, ROWS_OF_ALL / of.workers, faster)

    table(f"rows a second, of one worker's: batches of {ROWS_EACH} rows for each worker", cells(each))
    table(f"steps a second, of one worker's: batches of {ROWS_OF_ALL:,} rows for all", cells(of_all))
    table("rows for each worker from which on all are faster than one", cells(lambda of: model.break_even(of, faster)))


SAVINGS = ("a message each", "2 bits there", "local steps, 8", "overlap")


def show_savings(model: Model, faster: float) -> None:
    """How many times as fast a step would be with what saves messages or bytes."""
    print(f"\ntimes as fast, {ROWS_EACH} rows for each worker, a server on each host, 10 Gbit/s")
    print(f"{'workers, parameters':<24}" + "".join(f"{name:>18}" for name in SAVINGS))
    for workers, parameters in MANY:
        of = Sum(workers, workers, parameters, 1e10)
        plain, added = model.step(of, ROWS_EACH, faster), model.sum(of, LATENCY)
        compute = plain - added
        of_bytes = model.handled * of.handled + model.link * of.over_link
        with_each = [
            plain + 11 * model.message * of.messages,  # a sum for each of the tutorial's model's 12 layers' parameters
            plain - of_bytes / 2 * 15 / 16,
            compute + added / 8,
            compute / 3 + max(compute * 2 / 3, added),  # of which the backward pass is two thirds
        ]
        print(f"{f'{workers:,}, 10^{len(str(parameters)) - 1}':<24}", end="")
        print("".join(f"{plain / seconds:>18.2f}" for seconds in with_each))


def show(model: Model, sums: dict[Sum, float], faster: float) -> None:
    show_fit(model, sums)
    for times in (1.0, faster):
        print(f"\nWorkers {times:g} times as fast as one thread here")
        show_tables(model, times)
        show_savings(model, times)


def main() -> None:
    options = contest.parser(__doc__, rounds=3)
    options.add_argument(
        "--faster", type=float, default=100.0, help="a second set of tables, for workers so many times as fast"
    )
    options.add_argument(
        "--measured", metavar="FILE", help="take what an earlier run wrote by --json, and measure nothing"
    )
    asked = contest.parse(options)
    if asked.measured:
        found = json.loads(Path(asked.measured).read_text(encoding="utf-8"))
        asked.machine = found["machine"]
        of_steps = tuple(found["model"][name] for name in Model._fields[:3])
        show(fit(of_steps, sums := {Sum(*of): seconds for *of, seconds in found["sums"]}), sums, asked.faster)
        return
    with tempfile.TemporaryDirectory() as folder:
        of_steps, sums = measured_steps(asked.rounds, folder), measured_sums(asked.rounds, folder)
    model = fit(of_steps, sums)
    show(model, sums, asked.faster)
    contest.save(asked, model=model._asdict(), sums=[[*of, seconds] for of, seconds in sums.items()])


if __name__ == "__main__":
    main()
