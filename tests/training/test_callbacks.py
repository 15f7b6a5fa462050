"""Callbacks: when they are called, what they may do, and that a resumed training has their state."""

import logging
import math

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.callbacks import Callback, EarlyStopping
from gluonvae.training.signals import Interrupt
from tests.helpers import patterns, small_vae
from tests.helpers.runs import copy_at

pytestmark = pytest.mark.usefixtures("fast_disk")


class Diary(Callback):
    """Writes down what it is told."""

    def __init__(self):
        self.calls = []

    def on_start(self, training):
        self.calls.append(("start", training.steps_taken))

    def on_step(self, training):
        self.calls.append(("step", training.steps_taken))

    def on_epoch(self, training, metrics):
        self.calls.append(("epoch", metrics["epoch"]))

    def on_end(self, training):
        self.calls.append(("end", training.steps_taken))


class StopAt(Callback):
    def __init__(self, step=None, epoch=None):
        self.step, self.epoch = step, epoch

    def on_step(self, training):
        if training.steps_taken == self.step:
            training.stop("enough steps")

    def on_epoch(self, training, metrics):
        if metrics["epoch"] == self.epoch:
            training.stop("enough epochs")


def fit(images, callbacks, **options):
    gv.seed(3)
    bound = gv.ELBO(small_vae())
    options = {"epochs": 3, "batch_size": 20, "learning_rate": 0.01, "progress": False, **options}
    return bound, gv.fit(bound, gv.data.Dataset(images * 0.9), callbacks=callbacks, **options)


def values(bound):
    return {name: p.data().asnumpy() for name, p in bound._collect_params_with_prefix().items()}


def assert_same(one, other):
    for name, value in values(one).items():
        np.testing.assert_array_equal(values(other)[name], value, err_msg=name)


def test_when_they_are_called(rng):
    diary = Diary()
    fit(patterns(rng, 40), [diary], epochs=2)
    assert diary.calls == [
        ("start", 0), ("step", 1), ("step", 2), ("epoch", 1), ("step", 3), ("step", 4), ("epoch", 2), ("end", 4),
    ]  # fmt: skip


def test_what_they_see(rng):
    seen = []

    class Looking(Callback):
        def on_step(self, training):
            seen.append((training.epoch, training.row, training.means()["train_bound"], training.trainer.learning_rate))

        def on_epoch(self, training, metrics):
            assert training.history.rows[-1] is metrics
            assert training.vae is training.bound.vae
            seen.append(metrics["train_bound"])

    fit(patterns(rng, 40), [Looking()], epochs=1)
    assert [entry[:2] + entry[3:] for entry in seen[:2]] == [(1, 20, 0.01), (1, 40, 0.01)]
    assert seen[1][2] == seen[2]  # the mean over the epoch
    assert math.isfinite(seen[0][2])
    assert seen[0][2] != seen[1][2]


@pytest.mark.parametrize(("stop", "epochs", "steps"), [({"epoch": 2}, 2, 4), ({"step": 3}, 1, 3), ({"step": 4}, 2, 4)])
def test_a_callback_stops_and_the_history_is_kept(stop, epochs, steps, rng, caplog):
    caplog.set_level(logging.INFO, "gluonvae")
    diary = Diary()
    _, history = fit(patterns(rng, 40), [StopAt(**stop), diary], epochs=5)
    assert len(history) == epochs
    assert diary.calls[-1] == ("end", steps)
    assert history.stopped.startswith("enough")
    assert not history.interrupted
    assert history.stopped in caplog.text


def test_a_stopped_training_has_learnt_what_a_shorter_one_has(rng):
    images = patterns(rng, 40)
    assert_same(fit(images, [StopAt(epoch=2)], epochs=5)[0], fit(images, [], epochs=2)[0])


def test_callbacks_that_only_look_change_nothing(rng):
    images = patterns(rng, 40)
    assert_same(fit(images, [Diary()])[0], fit(images, [])[0])


def test_numbers_that_a_callback_adds_are_kept(rng, tmp_path):
    class Adding(Callback):
        def on_epoch(self, training, metrics):
            if metrics["epoch"] != 2:
                metrics["square"] = np.float32(metrics["epoch"] ** 2)

    _, history = fit(patterns(rng, 40), [Adding()], folder=tmp_path / "run")
    np.testing.assert_array_equal(history["square"], [1, np.nan, 9])
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert ['"square": 9.0' in line for line in lines] == [False, False, True]
    with pytest.raises(TypeError, match=r"a callback has set picture to 'a\.png'"):
        fit(patterns(rng, 40), [lambda metrics: metrics.update(picture="a.png")])


def test_the_end_is_told_of_an_exception_too(rng):
    ends = []

    class Ending(Callback):
        def on_end(self, training):
            ends.append(training.error)

    def fail(metrics):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fit(patterns(rng, 40), [Ending(), fail])
    (error,) = ends
    assert isinstance(error, OSError)


def test_one_that_fails_at_the_end_keeps_it_from_no_other(rng):
    class Failing(Callback):
        def on_end(self, training):
            raise OSError("no connection")

    diary = Diary()
    with pytest.raises(OSError, match="no connection"):
        fit(patterns(rng, 40), [Failing(), diary])
    assert diary.calls[-1] == ("end", 6)


def test_one_that_cannot_start_is_not_ended(rng):
    diary, second = Diary(), EarlyStopping()
    with pytest.raises(ValueError, match="EarlyStopping watches valid_kl, which needs validation data"):
        fit(patterns(rng, 40), [diary, EarlyStopping(monitor="valid_kl"), second])
    assert diary.calls == [("start", 0), ("end", 0)]


@pytest.mark.parametrize("callback", [3, EarlyStopping, "print"])
def test_what_is_no_callback(callback, rng):
    with pytest.raises(TypeError, match=r"callbacks must be gluonvae\.callbacks\.Callback or functions"):
        fit(patterns(rng, 40), [callback])


class Scripted(Callback):
    """Gives each epoch a metric, from a list."""

    def __init__(self, script):
        self._script = script

    def on_epoch(self, training, metrics):
        metrics["score"] = self._script[metrics["epoch"] - 1]


# what a metric is in each epoch, options, after how many epochs the training ends
PATIENCE = {
    "rising": ([1, 2, 3, 4, 5, 6], {"patience": 1}, 6),
    "falling": ([6, 5, 4, 3, 2, 1], {"patience": 2}, 3),
    "falling is better": ([6, 5, 4, 4, 4, 1], {"patience": 2, "mode": "min"}, 5),
    "a better one in between": ([1, 0, 2, 0, 0, 9], {"patience": 2}, 5),
    "too small a gain": ([1, 1.05, 1.09, 1.2, 1.2, 1.2], {"patience": 2, "min_delta": 0.1}, 3),
    "not a number": ([1, math.nan, math.nan, 2, 3, 4], {"patience": 2}, 3),
}


@pytest.mark.parametrize("name", PATIENCE)
def test_early_stopping(name, rng):
    script, options, epochs = PATIENCE[name]
    stopping = EarlyStopping(monitor="score", **options)
    _, history = fit(patterns(rng, 20), [Scripted(script), stopping], epochs=6)
    assert len(history) == epochs
    assert (history.stopped is None) == (epochs == 6)
    # the same object in another training begins anew
    assert len(fit(patterns(rng, 20), [Scripted(script), stopping], epochs=6)[1]) == epochs


def test_early_stopping_watches_validation_where_there_is_some(rng):
    images = patterns(rng, 40)
    _, history = fit(images, [EarlyStopping(patience=2)], valid=images[:20], epochs=40, learning_rate=0.5)
    bounds = history["valid_bound"]
    assert len(bounds) < 40
    assert int(np.argmax(bounds)) == len(bounds) - 3
    assert history.stopped == "valid_bound has not improved for 2 epochs"


ERRORS = {
    "patience": ({"patience": 0}, "patience must be positive, got 0"),
    "mode": ({"mode": "higher"}, "mode must be 'max' or 'min', got 'higher'"),
    "min_delta": ({"min_delta": -1.0}, "min_delta must not be negative"),
    "metric": ({"monitor": "train_bond"}, r"the metric that EarlyStopping watches .* did you mean 'train_bound'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_early_stopping_errors(name, rng):
    options, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        fit(patterns(rng, 20), [EarlyStopping(**options)])


def test_the_best_epoch_is_restored(rng, tmp_path):
    """A rate that ruins what was learnt: the model has the parameters of the best epoch, and so has the run."""
    images = patterns(rng, 60)
    valid = gv.data.Dataset(images[:20], binarization="none")
    options = {"learning_rate": lambda step: 0.02 if step < 6 else 3.0, "valid": valid, "restore_best": True}
    for folder in (None, tmp_path / "run"):
        bound, history = fit(images, [], folder=folder, **options)
        best = max(history["valid_bound"])
        assert best > history["valid_bound"][-1] + 1
        assert gv.evaluate(bound, valid).bound == pytest.approx(best, rel=1e-6)
    # one that is resumed has it from the folder
    bound, longer = fit(images, [], resume=tmp_path / "run", **{**options, "epochs": 4})
    assert max(longer["valid_bound"]) == best
    assert gv.evaluate(bound, valid).bound == pytest.approx(best, rel=1e-6)
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    assert gv.evaluate(gv.ELBO(other), valid).bound == pytest.approx(best, rel=1e-6)


def test_the_best_epoch_needs_validation(rng):
    with pytest.raises(ValueError, match="restore_best is of the epoch with the highest bound on the validation data"):
        fit(patterns(rng, 20), [], restore_best=True)


class Counting(Callback):
    """Has a state, and draws noise: the training depends on what it counts."""

    def __init__(self):
        self.count = 0

    def on_start(self, training):
        gv.noise.source.normal((3, 3))

    def on_step(self, training):
        self.count += 1
        gv.noise.source.normal((self.count, 2))

    def on_epoch(self, training, metrics):
        metrics["count"] = self.count


@pytest.mark.parametrize("step", [0, 1, 3, 7])
def test_a_killed_training_has_the_state_of_its_callbacks(step, rng, tmp_path):
    images = patterns(rng, 60)
    options = {"checkpoint_minutes": 1e-9}
    whole, history = fit(images, [Counting()], folder=tmp_path / "whole", **options)
    rate = copy_at(step, tmp_path / "run", tmp_path / "killed")
    fit(images, [Counting()], folder=tmp_path / "run", learning_rate=rate, **options)
    gv.noise.source.normal((5, 5))
    bound, resumed = fit(images, [Counting()], resume=tmp_path / "killed")
    assert resumed["count"] == history["count"]
    assert_same(bound, whole)


def test_a_stopped_training_is_resumed_with_more_patience_only(rng, tmp_path):
    images = patterns(rng, 20)
    script = [3, 2, 1, 1, 1, 1, 1, 1]
    options = {"epochs": 8, "batch_size": 20}
    _, first = fit(images, [Scripted(script), EarlyStopping(2, "score")], folder=tmp_path / "run", **options)
    assert len(first) == 3
    _, same = fit(images, [Scripted(script), EarlyStopping(2, "score")], resume=tmp_path / "run", **options)
    assert (len(same), same.stopped) == (3, first.stopped)
    _, more = fit(images, [Scripted(script), EarlyStopping(4, "score")], resume=tmp_path / "run", **options)
    assert len(more) == 5
    assert gv.training.status.read_status(tmp_path / "run")["status"] == "finished"


def test_a_state_that_cannot_be_saved_is_refused(rng, tmp_path):
    class Stateful(Callback):
        def state(self):
            return {"array": np.zeros(3)}

    with pytest.raises(ValueError, match="the state of the callback Stateful cannot be saved"):
        fit(patterns(rng, 20), [Stateful()], folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    fit(patterns(rng, 20), [Stateful()])


def test_ctrl_c_in_a_callback_leaves_the_checkpoint_before(rng, tmp_path):
    class Interrupting(Callback):
        def on_epoch(self, training, metrics):
            if metrics["epoch"] == 2:
                raise Interrupt(2)

    images = patterns(rng, 40)
    whole = fit(images, [])
    with pytest.raises(KeyboardInterrupt):
        fit(images, [Interrupting()], folder=tmp_path / "run", checkpoint_epochs=1)
    assert_same(fit(images, [], resume=tmp_path / "run")[0], whole[0])
