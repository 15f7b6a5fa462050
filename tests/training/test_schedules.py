"""Schedules of weights and learning rates."""

import numpy as np
import pytest

import gluonvae as gv


def test_schedules():
    linear = gv.schedules.linear(0, 1, 11)
    np.testing.assert_allclose([linear(step) for step in (0, 5, 10, 11, 1000)], [0, 0.5, 1, 1, 1])
    cosine = gv.schedules.cosine(2, 1, 5)
    np.testing.assert_allclose([cosine(step) for step in (0, 2, 4, 9)], [2, 1.5, 1, 1])
    cyclical = gv.schedules.cyclical(40, cycles=2, ramp=0.5, end=0.8)
    values = np.array([cyclical(step) for step in range(60)])
    np.testing.assert_allclose(values[[0, 20]], 0)
    np.testing.assert_allclose(values[[9, 15, 19, 29, 35, 45, 59]], 0.8)
    assert (np.diff(values[:10]) > 0).all()
    np.testing.assert_array_equal(values[:20], values[20:40])
    assert gv.schedules.linear(0, 1, 1)(5) == 1


def test_a_schedule_called_out_of_order_gives_the_same():
    schedule = gv.schedules.cyclical(40, cycles=2)
    forwards = [schedule(step) for step in range(40)]
    assert [schedule(step) for step in reversed(range(40))] == forwards[::-1]


def test_exponential_schedule():
    schedule = gv.schedules.exponential(2.0, 0.5, 4)
    np.testing.assert_allclose([schedule(step) for step in (0, 1, 2, 4, 100)], [2, 2**0.5, 1, 0.5, 0.5])


# name: (what is called, error, message)
CONSTRUCTIONS = {
    "cycles": (lambda: gv.schedules.cyclical(10, cycles=5), ValueError, "5 cycles need at least 20 steps, got 10"),
    "ramp": (lambda: gv.schedules.cyclical(10, ramp=1.5), ValueError, "ramp must lie between 0 and 1, got 1.5"),
    "NaN": (lambda: gv.schedules.linear(0, np.nan, 5), ValueError, "end must be a finite number, got nan"),
    "infinite": (lambda: gv.schedules.cosine(np.inf, 0, 5), ValueError, "start must be a finite number, got inf"),
    "infinite, by factors": (lambda: gv.schedules.exponential(1, np.inf, 5), ValueError, "end must be a finite number"),
    "NaN, cyclical": (lambda: gv.schedules.cyclical(40, end=np.nan), ValueError, "end must be a finite number"),
    "steps": (lambda: gv.schedules.linear(0, 1, 0), ValueError, "steps must be positive, got 0"),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
