"""Groups of processes, as ``gluonvae launch`` starts them."""

import contextlib
import os
import signal
import sys
import time
import traceback
import uuid
from pathlib import Path

from gluonvae.launching.hosts import Host, placed
from gluonvae.launching.plan import Plan

WORKER = """
import json, os, signal, sys, time

rank, restarts = int(os.environ["GLUONVAE_RANK"]), int(os.environ["GLUONVAE_RESTARTS"])


def tell(**what):
    os.write(int(os.environ["GLUONVAE_REPORTS_FD"]), json.dumps(what).encode() + b"\\n")


def work(seconds=60, first=0):
    for step in range(first, first + int(seconds / 0.05)):
        tell(step=step, waits=0)
        time.sleep(0.05)


def wait(seconds):
    # as a worker of a group does that waits for the others
    begin = time.monotonic()
    while (waits := time.monotonic() - begin) < seconds:
        tell(step=3, waits=waits)
        time.sleep(0.05)
    tell(error="has waited")
    sys.exit(4)


"""
"""What the scripts of workers begin with."""


def plan(folder, code, size=2, hosts=None, **more):
    """A plan of workers that run code."""
    script = folder / "worker.py"
    script.write_text(WORKER + code)
    where = hosts or placed([Host("localhost", size)], size)
    return Plan(command=["python", str(script), str(folder)], hosts=where, **{"timeout": 20, **more})


@contextlib.contextmanager
def marked(name="GLUONVAE_TEST_MARK"):
    """Context manager of what starts processes, none of which may be left; they are found by their environment."""
    mark = os.environ[name] = uuid.uuid4().hex
    try:
        yield lambda: with_mark(name, mark)
        wait_for(lambda: not with_mark(name, mark), 6, lambda: with_mark(name, mark))
    finally:
        del os.environ[name]
        for number in with_mark(name, mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def with_mark(name, mark):
    """The processes other than this one and its threads that have a variable in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{name}={mark}".encode() in path.read_bytes() and state(int(path.parent.name)) != "Z":
                found.append(int(path.parent.name))
    return found


def state(number):
    """The state of a process: T of one that is stopped, Z of one that has ended."""
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(condition, seconds=10, told=lambda: ""):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, told()
        time.sleep(0.02)


def forked(call, output):
    """Call in a process of its own, whose exit status is the result; return its number."""
    number = os.fork()
    if number:
        return number
    try:
        os.setpgid(0, 0)
        with open(output, "w") as file:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os._exit(call())
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(99)


def exit_status(number):
    """Wait for a process of :func:`forked`."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
