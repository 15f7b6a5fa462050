"""How many threads regions take beside other processes."""

import time

import pytest

from gluonvae.backend.regions import load, shared
from tests.helpers.processes import python


@pytest.fixture
def machine(monkeypatch):
    """Make a machine of so many cores, on which this process has threads and others hold some cores."""

    def make(cores, threads, others, own=1.0):
        monkeypatch.setattr(load, "threads_are_chosen", lambda: True)
        monkeypatch.setattr(load.os, "sched_getaffinity", lambda process: set(range(cores)))
        monkeypatch.setattr(load.OPENMP, "omp_get_max_threads", lambda: threads, raising=False)
        monkeypatch.setattr(load.time, "monotonic", lambda: machine.now)
        monkeypatch.setattr(load.time, "process_time", lambda: own * machine.now)
        monkeypatch.setattr(load, "cores_busy", lambda: 100 + (own + others) * machine.now)

    machine = type("Machine", (), {"now": 0.0, "make": staticmethod(make)})
    before = shared.most_threads()
    yield machine
    shared.set_most_threads(before)


@pytest.mark.parametrize(
    ("cores", "threads", "others", "most"),
    [(4, 4, 0.0, 0), (4, 4, 0.3, 0), (4, 4, 1.0, 3), (4, 4, 2.6, 1), (4, 4, 5.0, 1), (2, 2, 1.0, 1), (8, 4, 3.0, 0)],
)
def test_threads_are_for_the_cores_that_others_leave(cores, threads, others, most, machine):
    machine.make(cores, threads, others)
    watch = load.Watch()
    watch.look()
    machine.now = watch.due
    watch.look()
    assert shared.most_threads() == most
    assert watch.due == machine.now + load.EVERY


def test_threads_that_share_their_cores_all_the_same_are_as_many_as_can_be(machine):
    """Two busy loops on two cores: one thread gets half a core, and two get a core."""
    machine.make(2, 2, others=1.0)
    watch = load.Watch()
    watch.look()
    seen = []
    for second in range(1, 100):
        is_one = shared.most_threads() == 1
        own = 0.5 if is_one else 1.0
        machine.make(2, 2, others=2.0 - own, own=own)
        watch._last = (second - 1.0, 100 + 2.0 * (second - 1), own * (second - 1))
        machine.now = float(second)
        watch.look()
        seen.append(shared.most_threads())
    assert seen[:2] == [1, 0]
    assert 1 < sum(seen) < 5


def test_trainings_that_all_take_fewer_threads_stay_with_these(machine):
    """Four on two cores: each gets half a core, with two threads and with one."""
    machine.make(2, 2, others=1.5, own=0.5)
    watch, seen = load.Watch(), []
    for second in range(10):
        machine.now = float(second)
        watch.look()
        seen.append(shared.most_threads())
    assert seen == [0, *[1] * 9]


def test_after_a_while_without_a_look_all_threads_are_used(machine):
    """What others did while this process did nothing tells nothing of now."""
    machine.make(4, 4, 3.0)
    watch, seen = load.Watch(), []
    for second in (0, 1, 2, 60, 61):
        machine.now = float(second)
        watch.look()
        seen.append(shared.most_threads())
    assert seen == [0, 1, 1, 0, 1]


def test_a_number_that_was_given_stays(machine, monkeypatch):
    machine.make(4, 4, 3.0)
    monkeypatch.setattr(load, "threads_are_chosen", lambda: False)
    watch = load.Watch()
    watch.look()
    assert watch.due == float("inf")
    assert shared.most_threads() == 0


@pytest.mark.parametrize("content", [None, "", "cpu  1 2 3\n", "cpu0 1 2\n", "cpu0 a b c d e f g\n"])
def test_where_the_system_does_not_tell_all_threads_are_used(content, tmp_path, monkeypatch):
    path = tmp_path / "stat"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(load, "_STATISTICS", path)
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda process: {0})
    assert load.cores_busy() is None


def test_only_the_time_of_cores_that_may_be_used_counts(tmp_path, monkeypatch):
    path = tmp_path / "stat"
    path.write_text("cpu 9 9 9 9 9 9 9\ncpu0 100 20 3 1000 50 4 5 7\ncpu1 1000 0 0 0 0 0 0 0\nintr 5 5\n")
    monkeypatch.setattr(load, "_STATISTICS", path)
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda process: {0})
    monkeypatch.setattr(load.os, "sysconf", lambda name: 100)
    assert load.cores_busy() == pytest.approx(1.32)


def test_the_work_of_this_process_is_seen():
    before, own = load.cores_busy(), time.process_time()
    if before is None:
        pytest.skip("the system does not tell how busy its cores are")
    while time.process_time() < own + 0.3:
        pass
    assert load.cores_busy() - before > 0.2


REGION = """
import os
import numpy as np
from gluonvae.backend.regions import shared
from gluonvae.backend.regions.random import Stream
for most in (1, 0):
    shared.set_most_threads(most)
    before = len(os.listdir("/proc/self/task"))
    Stream([7]).standard_normal(np.empty(100_000, np.float32))
    print(len(os.listdir("/proc/self/task")) - before)
"""


def test_a_region_takes_no_more_threads():
    threads = python(REGION, GLUONVAE_THREADS="3").stdout
    assert threads.split() == ["0", "2"]
