"""Do harm to real trainings by several processes, as ``gluonvae launch`` starts them, and see how they end.

``python -m tests.slow.faults --times 10 --seed 1``, of which ``--only NAME ...`` tries some. Each fault comes at the
start of a training, in its midst, or at its end. The launcher's exit status is that of the guide, a line says who died
of what, the processes end within five seconds, and nothing is left running. Every other time the group is to be
started again; otherwise the training is resumed, by another number of workers. It comes to the parameters and the
history of a training by one process that was left alone. Of those between hosts, see :mod:`tests.slow.netns`.
"""

import argparse
import contextlib
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests.slow import launched, netns, trainings
from tests.slow.fault_table import FAULTS, TIMEOUT
from tests.slow.launched import Launched

TOLERANCE = 1e-5
SIZES = (2, 2, 2, 2, 3, 4)
"""Numbers of workers."""
MOMENTS = ("start", "midst", "end")


class Trial:
    """A training that is done harm to.

    Parameters
    ----------
    fault : Fault
    place : Path
        An empty folder.
    moment : str
        One of :data:`MOMENTS`.
    is_restarted : bool
        Whether the launcher is to start the group again.
    rng : random.Random
    """

    def __init__(self, fault, place, moment, is_restarted, rng):
        self.fault, self.place, self.moment, self.rng = fault, place, moment, rng
        self.is_restarted = is_restarted
        self.folder = place / "run"
        self.size = 2 if fault.needs_hosts else rng.choice(SIZES)
        self.hosts = None
        self.launched = self.stack = None

    def run(self):
        """Return what happened, the seconds to the end, and what was wrong with it."""
        with contextlib.ExitStack() as self.stack:
            if self.fault.needs_hosts:
                self.hosts = self.stack.enter_context(netns.Hosts(2))
                (self.place / "hosts").write_text("node0\nnode1\n")
            self.fault.prepare(self)
            return self._run()

    def _run(self):
        self.launched = Launched(self.place, self._options(self.size, self.is_restarted), self.command(), self.hosts)
        self._wait_for_the_moment()
        before = self.launched.processes()
        done = self.fault.act(self)
        before |= self.launched.processes()
        seconds = self._time_to_the_end(before)
        status = self.launched.finish()
        left = self.launched.clear()
        faults = [f"left running: {left}"] if left else []
        faults += self._wrong_in(status, done) + self._too_late(seconds)
        again = ""
        self.fault.undo(self)
        if status != 0 and self.fault.resumes:
            again = self._resume(faults)
        if self.fault.resumes:
            self._compare(faults)
        elif (self.folder / "result.json").exists():
            faults.append("it has trained")
        happened = f"{self.size} workers, {self.moment:5}: exit {status} after {seconds:.1f} s{again}"
        return happened + ("" if done else " (it was done)"), seconds, faults

    def _options(self, size, is_restarted=False):
        options = ["-n", size, "--timeout", self.fault.timeout, "--restarts", int(is_restarted)]
        return [*options, "--hosts", self.place / "hosts"] if self.hosts else options

    def command(self):
        if self.fault.script:
            (self.place / "script.py").write_text(self.fault.script)
            return ["python", self.place / "script.py", self.folder]
        return ["train", *launched.OPTIONS, *self.fault.options, "--out", self.folder]

    def _wait_for_the_moment(self):
        """Where the fault comes by itself, it is waited for what the launcher says of it."""
        if not self.fault.needs_moment:
            return
        epochs = {"start": 0, "midst": self.rng.randint(1, launched.EPOCHS - 1), "end": launched.EPOCHS}[self.moment]
        if self.moment == "start":
            self.launched.wait_until(lambda: self.launched.member("worker 1"))
            time.sleep(self.rng.uniform(0, 5))
        else:
            self.launched.wait_until(lambda: trainings.lines(self.folder) >= epochs)
            time.sleep(self.rng.uniform(0, 0.3))

    def _time_to_the_end(self, before):
        """The seconds until the processes of the group that was done harm to have ended."""
        begin = time.monotonic()
        while time.monotonic() - begin < launched.GENEROUS:
            never_began = not (self.fault.needs_moment or self.fault.script)
            if not launched.alive(before) and not (never_began and self.launched.process.poll() is None):
                break
            time.sleep(0.02)
        return time.monotonic() - begin

    def _wrong_in(self, status, done):
        """What is wrong with the exit status and with what was said."""
        faults, lines, wanted = [], self.launched.lines(), self.fault.status
        ended_well = {0} if self.is_restarted or wanted == 0 else {wanted}
        if self.moment == "end" or not done:
            ended_well.add(0)  # what is killed may have done its part
        if status not in ended_well:
            faults.append(f"exit status {status}, not {sorted(ended_well)}: {self.launched.errors[-600:]}")
        is_told = done and self.fault.text and (status != 0 or self.is_restarted)
        came_too_late = self.moment == "end" and not lines
        if is_told and not came_too_late and (len(lines) != 1 or not re.search(self.fault.text, lines[0])):
            faults.append(f"said {lines}")
        if "Traceback" in self.launched.errors and not self.fault.script:
            faults.append(f"a traceback: {self.launched.errors[-1500:]}")
        return faults

    def _too_late(self, seconds):
        within = self.fault.within
        return [f"ended after {seconds:.1f} s, not {within}"] if within and seconds > within else []

    def _resume(self, faults):
        """Go on with the training by hand, with another number of workers; return the words of that."""
        if self.fault.script:
            command = [*self.command(), "again"]
        else:
            is_begun = (self.folder / "config.json").exists()
            command = ["train", "--resume", self.folder] if is_begun else self.command()
        size = self.rng.choice([size for size in (1, 2, 3) if size != self.size])
        size = 2 if self.hosts else size
        again = Launched(self.place, self._options(size), command, self.hosts)
        status = again.finish()
        if status != 0:
            faults.append(f"resumed: exit status {status}: {again.errors[-600:]}")
        if left := again.clear():
            faults.append(f"resumed, left running: {left}")
        return f", resumed by {size}"

    def _compare(self, faults):
        try:
            differs = launched.difference(launched.came_to(self.folder), self.fault.wanted)
        except (OSError, ValueError) as error:
            faults.append(f"no result: {error}")
            return
        if not differs < TOLERANCE:
            faults.append(f"differs by {differs:.1e}")
        if leftovers := trainings.leftovers(self.folder):
            faults.append(f"left behind: {leftovers}")


def references(place, faults):
    """Have each fault know what its training comes to when it is done by one process and left alone."""
    known = {}
    for fault in faults:
        if not fault.resumes:
            continue
        kind = (fault.script, tuple(fault.options))
        if kind not in known:
            trial = Trial(fault, place, "start", False, random.Random(0))
            trial.folder = place / f"whole{len(known)}"
            first, *words = trial.command()
            command = [first, *words] if first == "python" else ["python", "-m", "gluonvae", first, *words]
            subprocess.run([sys.executable, *map(str, command[1:])], check=True, capture_output=True)
            known[kind] = launched.came_to(trial.folder)
        fault.wanted = known[kind]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="NAME")
    asked = parser.parse_args()
    tried, missing = defaultdict(list), netns.missing()
    with tempfile.TemporaryDirectory() as place:
        references(Path(place), [FAULTS[name] for name in asked.only])
        for name in asked.only:
            fault = FAULTS[name]
            if missing and fault.needs_root:
                print(f"{name}: not tried, {missing}")
                continue
            for number in range(asked.times):
                folder = Path(place) / f"{name}{number}".replace(" ", "_")
                folder.mkdir()
                moment = MOMENTS[number % 3] if fault.moments == MOMENTS else (*fault.moments, "start")[0]
                rng = random.Random(f"{asked.seed} {name} {number}")
                trial = Trial(fault, folder, moment, fault.may_restart and number % 2 == 1, rng)
                happened, seconds, wrong = trial.run()
                print(f"{name}, {number + 1}: {happened}: {'; '.join(wrong) or 'right'}", flush=True)
                tried[name].append((seconds, not wrong))
    return report(tried)


def report(tried):
    """Print a table; return the exit status."""
    print(f"\n{'fault':44} tried right longest (of the others, --timeout {TIMEOUT})")
    for name, trials in tried.items():
        right = sum(ok for _, ok in trials)
        print(f"{name:44} {len(trials):5} {right:5} {max(seconds for seconds, _ in trials):5.1f} s")
    return 0 if all(ok for trials in tried.values() for _, ok in trials) else 1


if __name__ == "__main__":
    raise SystemExit(main())
