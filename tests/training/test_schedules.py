"""Schedules of weights and learning rates."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import patterns, small_vae
from tests.helpers.runs import copy_at


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


def test_step_schedule():
    schedule = gv.schedules.step(2.0, [3, 5], factor=0.5)
    np.testing.assert_allclose([schedule(step) for step in range(7)], [2, 2, 2, 1, 1, 0.5, 0.5])
    assert schedule(100) == 0.5


def test_warmup():
    """Linearly from 0, then the other schedule from its start; also MXNet's, and a number."""
    schedule = gv.schedules.Warmup(4, gv.schedules.linear(2.0, 1.0, 3))
    np.testing.assert_allclose([schedule(step) for step in range(8)], [0, 0.5, 1, 1.5, 2, 1.5, 1, 1])
    of_number = gv.schedules.Warmup(2, 3.0)
    assert [of_number(step) for step in range(4)] == [0, 1.5, 3, 3]
    of_mxnet = gv.schedules.Warmup(2, mx.lr_scheduler.FactorScheduler(1, factor=0.5, base_lr=4.0))
    # MXNet's own after 1, 2 and 3 updates: 4, 2, 1
    assert [of_mxnet(step) for step in range(6)] == [0, 2, 4, 4, 2, 1]


class Scoring(gv.callbacks.Callback):
    """Gives each epoch a score, from a list."""

    def __init__(self, scores):
        self._scores = scores

    def on_epoch(self, training, metrics):
        metrics["score"] = self._scores[metrics["epoch"] - 1]


def fit(scores, **options):
    gv.seed(3)
    bound = gv.ELBO(small_vae())
    images = patterns(np.random.default_rng(0), 20)
    options = {"epochs": len(scores), "batch_size": 10, "callbacks": [Scoring(scores)], "progress": False, **options}
    return bound, gv.fit(bound, images, **options)


# scores, options, the rate of each epoch
PLATEAUS = {
    "falling": ([5, 4, 3, 2, 1, 0], {"patience": 2, "factor": 0.5}, [8, 8, 8, 4, 4, 2]),
    "rising": ([1, 2, 3, 4], {"patience": 1}, [8, 8, 8, 8]),
    "to an end": ([4, 3, 2, 1], {"patience": 1, "factor": 0.5, "end": 3.0}, [8, 8, 4, 3]),
    "falling is better": ([1, 2, 1, 0], {"patience": 1, "factor": 0.5, "mode": "min"}, [8, 8, 4, 2]),
    "with warm-up": ([4, 3, 2, 1], {"patience": 1, "factor": 0.5, "warmup": 4}, [2, 6, 4, 2]),
}


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateau(name):
    scores, options, rates = PLATEAUS[name]
    options = {"warmup": None, "end": 0.0, **options}
    warmup, end = options.pop("warmup"), options.pop("end")
    plateau = gv.schedules.Plateau(8e-4, end=end * 1e-4, monitor="score", **options)
    rate = plateau if warmup is None else gv.schedules.Warmup(warmup, plateau)
    for _ in range(2):  # the same object begins anew in another training
        _, history = fit(scores, learning_rate=rate)
        np.testing.assert_allclose(history["learning_rate"], np.multiply(rates, 1e-4), rtol=1e-6)


@pytest.mark.parametrize("warmup", [None, 3])
@pytest.mark.parametrize("step", [0, 3, 4, 8])
def test_a_plateau_goes_on(step, warmup, tmp_path, fast_disk):
    def rate():
        plateau = gv.schedules.Plateau(0.01, 0.5, patience=2, monitor="score")
        return plateau if warmup is None else gv.schedules.Warmup(warmup, plateau)

    scores = [3, 2, 1, 1, 5, 4]
    beta = copy_at(step, tmp_path / "run", tmp_path / "killed", lambda taken: 1.0)
    whole, history = fit(scores, learning_rate=rate(), beta=beta, folder=tmp_path / "run", checkpoint_minutes=1e-9)
    again, resumed = fit(scores, learning_rate=rate(), beta=1.0, resume=tmp_path / "killed")
    assert resumed["learning_rate"] == history["learning_rate"]
    assert len(set(history["learning_rate"])) > 1
    for one, other in zip(whole.collect_params().values(), again.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), other.data().asnumpy())


def test_a_plateau_of_validation_needs_some():
    with pytest.raises(ValueError, match="Plateau watches valid_bound, which needs validation data"):
        fit([1], learning_rate=gv.schedules.Plateau(0.1, monitor="valid_bound"))


# name: (what is called, error, message)
CONSTRUCTIONS = {
    "cycles": (lambda: gv.schedules.cyclical(10, cycles=5), ValueError, "5 cycles need at least 20 steps, got 10"),
    "ramp": (lambda: gv.schedules.cyclical(10, ramp=1.5), ValueError, "ramp must lie between 0 and 1, got 1.5"),
    "NaN": (lambda: gv.schedules.linear(0, np.nan, 5), ValueError, "end must be a finite number, got nan"),
    "infinite": (lambda: gv.schedules.cosine(np.inf, 0, 5), ValueError, "start must be a finite number, got inf"),
    "infinite, by factors": (lambda: gv.schedules.exponential(1, np.inf, 5), ValueError, "end must be a finite number"),
    "NaN, cyclical": (lambda: gv.schedules.cyclical(40, end=np.nan), ValueError, "end must be a finite number"),
    "no step": (lambda: gv.schedules.step(1, []), ValueError, "at must name at least one step"),
    "step 0": (lambda: gv.schedules.step(1, [0]), ValueError, "a step must be positive, got 0"),
    "factor": (lambda: gv.schedules.step(1, [2], -1), ValueError, "factor must be positive, got -1"),
    "warm-up": (lambda: gv.schedules.Warmup(0, 1.0), ValueError, "steps must be positive, got 0"),
    "plateau": (lambda: gv.schedules.Plateau(1, 2), ValueError, "factor must lie between 0 and 1, got 2"),
    "patience": (lambda: gv.schedules.Plateau(1, patience=0), ValueError, "patience must be positive, got 0"),
    "steps": (lambda: gv.schedules.linear(0, 1, 0), ValueError, "steps must be positive, got 0"),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
