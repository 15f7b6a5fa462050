"""Contestants, each a process of its own so that no library's threads or settings touch another's,
and the options that benchmarks share."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

import machine
import numpy as np
from rows import Row

from gluonvae.backend import runtime

HERE = Path(__file__).parent


class Answer(NamedTuple):
    seconds: list[float]
    values: list[Any]
    peak: int
    """Bytes of memory that the contestant has had at most since it made the row."""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Worker:
    """A contestant: ``workers/SCRIPT``, run by its interpreter. Raises RuntimeError, with the last it
    said, where the process ends before its time. ``environment`` is added to that of this process, and ``before`` is a
    command that runs it."""

    def __init__(
        self,
        interpreter: str,
        script: str,
        *arguments: str,
        environment: Optional[Mapping[str, str]] = None,
        before: Sequence[str] = (),
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        # What gluonvae has set for this process is none of the others' business.
        clean = {name: value for name, value in os.environ.items() if name not in runtime.CHOSEN}
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [*before, interpreter, str(HERE / "workers" / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**clean, "PYTHONPATH": path, **(environment or {})},
        )
        first = self._read()
        self.description: str = first["description"]
        self.peak: int = first["peak"]
        """Bytes of memory before it was asked anything."""

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError((self._errors.read().strip() or "no word").splitlines()[-1])
        return json.loads(line)

    def ask(self, task: str, row: Row, given: str, repeats: int = 1, warm_up: int = 0) -> Answer:
        """Have it do a task of :func:`serve.serve`'s, ``repeats`` times; ``given`` is a file of arrays.
        ``warm_up`` turns before the first are not timed."""
        assert self._process.stdin is not None
        asked = {"task": task, "row": row, "given": given, "repeats": repeats, "warm_up": warm_up}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Answer(**self._read())

    def close(self) -> None:
        self._process.communicate()
        self._errors.close()


def start(contestants: Mapping[str, tuple[str, ...]]) -> dict[str, Worker]:
    """Those that could be started, of interpreters, scripts and arguments; what each is, is printed."""
    workers = {}
    for name, arguments in contestants.items():
        try:
            workers[name] = Worker(*arguments)
            print(f"{name}: {workers[name].description}")
        except (OSError, RuntimeError) as error:
            print(f"{name} could not be started: {error}")
    return workers


def in_turn(workers: Mapping[str, Worker], rounds: int, *question: Any, **options: Any) -> dict[str, Answer]:
    """Ask each in turn, A B C A B C ..., and put the answers of each together."""
    answers: dict[str, list[Answer]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            time.sleep(0.3)  # until the threads of the one before have stopped spinning
            answers[name].append(worker.ask(*question, **options))
    return {name: _together(turns) for name, turns in answers.items()}


def _together(turns: list[Answer]) -> Answer:
    seconds, values = ([value for turn in turns for value in turn[column]] for column in (0, 1))
    return Answer(seconds, values, turns[-1].peak)


def write_given(folder: str, arrays: Mapping[str, np.ndarray]) -> str:
    """A new file for contestants to read."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)
        return file.name


def parser(description: str, rounds: int, peers: str = "") -> argparse.ArgumentParser:
    """With the options that benchmarks share; ``peers`` tells what ``--peers`` must have, if anything."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cpu", choices=("cpu", "gpu"))
    options.add_argument("--rounds", type=int, default=rounds, help=f"turns that each has (default: {rounds})")
    options.add_argument("--json", metavar="FILE", help="where the numbers go as well")
    if peers:
        options.add_argument("--peers", default=sys.executable, metavar="PYTHON", help=f"interpreter with {peers}")
    return options


def parse(options: argparse.ArgumentParser) -> argparse.Namespace:
    """What was asked for, the machine printed, and ``asked.ctx``; ends where the device is not there."""
    asked = options.parse_args()
    try:
        asked.ctx = runtime.device(asked.device)
    except ValueError as error:
        options.error(str(error))
    asked.machine = machine.describe(asked.device)
    print(asked.machine, flush=True)
    return asked


def save(asked: argparse.Namespace, **result: Any) -> None:
    """Write what was found to the file asked for, if one was."""
    if asked.json:
        text = json.dumps({"machine": asked.machine, **result}, indent=2)
        Path(asked.json).write_text(text + "\n", encoding="utf-8")
