"""Trainings by several processes, as ``gluonvae launch`` starts them, whose processes are found by a mark they inherit."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np

from gluonvae.backend.runtime import mx
from tests.helpers.groups import with_mark
from tests.helpers.processes import CLEAN
from tests.slow import trainings

MARK = "PYTHON_TEST_MARK"
"""A variable of the environment: the launcher sends those of such names to other hosts."""
EPOCHS = 8
OPTIONS = [
    "--data", "digits", "--epochs", EPOCHS, "--inference-layers", "20", "--generator-layers", "20",
    "--latent-size", "3", "--seed", "3", "--batch-size", "400", "--checkpoint-epochs", "1", "--optimizer-options", "epsilon=1e-3",
]  # fmt: skip
GENEROUS = 120
"""Seconds for what is measured, or cannot be waited for in vain."""


class Launched:
    """``gluonvae launch`` with a command of its workers.

    Parameters
    ----------
    folder : Path
        For what it prints.
    options, command : list
        Of the launcher, and behind ``--``.
    hosts : netns.Hosts, optional
        On the first of which it is started.
    """

    def __init__(self, folder, options, command, hosts=None):
        self._hosts = hosts
        self._mark = uuid.uuid4().hex
        self.printed = [folder / f"{self._mark}.{name}" for name in ("out", "err")]
        words = [sys.executable, "-m", "gluonvae", "launch", *options, "--", *command]
        environment = {"OMP_NUM_THREADS": "1", **CLEAN, MARK: self._mark}
        start = subprocess.Popen if hosts is None else lambda *rest, **more: hosts.start(0, *rest, **more)
        with open(self.printed[0], "w") as out, open(self.printed[1], "w") as err:
            self.process = start(
                [*map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                preexec_fn=trainings.heed_signals,
            )

    @property
    def errors(self):
        return self.printed[1].read_text().replace("\r", "\n")

    def lines(self):
        """What the launcher itself says."""
        return re.findall(r"^gluonvae launch: (.*)$", self.errors, re.MULTILINE)

    def processes(self):
        """The numbers of all processes of the group but the launcher's."""
        found = set(with_mark(MARK, self._mark))
        if self._hosts is not None:
            found |= self._hosts.guests()
        return found - {self.process.pid}

    def member(self, name):
        """The number of a process of the group by its name, such as "worker 1"; None where it is not there."""
        word, _, rank = name.partition(" ")
        sign = f"GLUONVAE_RANK={rank}" if rank else f"DMLC_ROLE={word}"
        for number in self.processes():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
                if sign.encode() in words and os.getsid(number) == number:
                    return number
        return None

    def send(self, name, number):
        """Send a signal to a process of the group; return whether it was there."""
        found = self.member(name)
        with contextlib.suppress(ProcessLookupError):
            if found is not None:
                os.kill(found, number)
                return True
        return False

    def wait_until(self, condition):
        """Wait for something, or for the end of the launcher; return whether the launcher is there."""
        until = time.monotonic() + GENEROUS
        while self.process.poll() is None and not condition() and time.monotonic() < until:
            time.sleep(0.02)
        return self.process.poll() is None

    def finish(self):
        """Wait for the end of the launcher; return its exit status, None for one that hangs."""
        try:
            return self.process.wait(GENEROUS)
        except subprocess.TimeoutExpired:
            return None

    def clear(self):
        """Kill what is left; return what that was."""
        left = self.processes()
        for number in {*left, self.process.pid} if self.process.poll() is None else left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()
        return left


def alive(numbers):
    """Which of some processes are there."""
    found = set()
    for number in numbers:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(number)
    return found


def came_to(folder):
    """What a run has come to, in numbers, without times."""
    parameters = {name: value.asnumpy() for name, value in mx.nd.load(str(folder / "model.params")).items()}
    history = [{k: v for k, v in row.items() if k not in trainings.TIMES} for row in trainings.rows(folder)]
    return {"parameters": parameters, "history": dict(enumerate(history))}


def difference(one, other):
    """The largest difference of two such, relative to 1 or to the size of a number; inf where one has more."""
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return np.inf
        return max((difference(one[name], other[name]) for name in one), default=0.0)
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return np.inf
    return float((np.abs(a - b) / np.maximum(1, np.abs(b))).max())
