"""Cases that run in a worker process, so that a crash of the interpreter and a hang are seen."""

import json
import select
import subprocess
import sys

TIMEOUT = 120
"""Seconds without an answer, after which a worker is given up."""


def supervise(module, folder, seed, numbers):
    """Yield the outcome of each case, in JSON from a worker; where a worker dies or hangs, that of its case says so.

    The worker is ``python -m module --worker FOLDER --seed N --first N --count N``.
    """
    todo = list(numbers)
    while todo:
        words = ["--worker", folder, "--seed", seed, "--first", todo[0], "--count", len(todo)]
        command = [sys.executable, "-m", module, *map(str, words)]
        # MXNet may be told to compute in one thread, and what it prints itself is not looked at
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
            for line in _lines(worker):
                if line.startswith("{"):
                    todo.pop(0)
                    yield json.loads(line)
            worker.kill()
        if todo:
            yield {"number": todo.pop(0), "status": worker.wait(), "words": [], "faults": ["the interpreter died"]}


def _lines(worker):
    """What a worker prints, until it ends or says nothing for :data:`TIMEOUT` seconds."""
    while select.select([worker.stdout], [], [], TIMEOUT)[0]:
        line = worker.stdout.readline()
        if not line:
            return
        yield line
