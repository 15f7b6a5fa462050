"""A run's folder that somebody removes, and clocks that are set, in the midst of a training."""

import datetime
import itertools
import json
import shutil
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.training import checkpoint
from gluonvae.training.config import RunError, config_from_python
from gluonvae.training.run import Run
from gluonvae.training.status import Lock, read_status
from tests.helpers import small_vae
from tests.helpers.runs import IMAGES, fit

pytestmark = pytest.mark.usefixtures("fast_disk")

TIMES = ("seconds", "images_per_second")


def parameters_of(vae):
    return [parameter.data().asnumpy() for parameter in vae.collect_params().values()]


def without_times(rows):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def rows_in(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_whole(folder, bound, history):
    """A run's folder has all that the training has come to, and another process can go on with it."""
    assert rows_in(folder) == history.rows
    assert read_status(folder)["status"] == "finished"
    loaded = gv.load(folder).vae
    for one, two in zip(parameters_of(bound.vae), parameters_of(loaded)):
        np.testing.assert_array_equal(one, two)
    best = max(history["valid_bound"])
    assert (folder / "best.params").exists()
    assert checkpoint.last(folder / "checkpoints").state["best_bound"] == best


def at(step, act):
    """A schedule that acts once, before the step after so many."""
    done = []

    def rate(taken):
        if taken == step and not done:
            done.append(act())
        return 0.01

    return rate


@pytest.mark.parametrize("step", [1, 3, 4, 8])
@pytest.mark.parametrize("options", [{}, {"checkpoint_epochs": 100}, {"checkpoint_minutes": 1e-9}])
def test_a_folder_that_is_removed_is_written_again(step, options, tmp_path, caplog):
    folder = tmp_path / "run"
    _, expected = fit(epochs=3, learning_rate=0.01)
    rate = at(step, lambda: shutil.rmtree(folder))
    bound, history = fit(folder, epochs=3, learning_rate=rate, **options)
    assert f"{folder} was removed during the training" in caplog.text
    assert without_times(history.rows) == without_times(expected.rows)
    assert_whole(folder, bound, history)
    more, _ = fit(folder=None, resume=folder, epochs=4, learning_rate=0.01)
    undisturbed, _ = fit(epochs=4, learning_rate=0.01)
    for one, two in zip(parameters_of(more.vae), parameters_of(undisturbed.vae)):
        np.testing.assert_array_equal(one, two)


def test_a_folder_of_which_only_the_configuration_is_gone(tmp_path):
    folder = tmp_path / "run"
    rate = at(4, lambda: (folder / "config.json").unlink())
    bound, history = fit(folder, epochs=3, learning_rate=rate)
    assert_whole(folder, bound, history)


def test_a_folder_that_is_removed_while_it_is_written_to(tmp_path, monkeypatch):
    """What removes it comes between two files: the training ends, and what it has learnt is there."""
    folder, add = tmp_path / "run", checkpoint.add

    def removed_first(of, step, state):
        if step == 3:
            monkeypatch.setattr(checkpoint, "add", add)
            shutil.rmtree(folder)
            raise FileNotFoundError(2, "No such file or directory", str(of))
        add(of, step, state)

    monkeypatch.setattr(checkpoint, "add", removed_first)
    with pytest.raises(FileNotFoundError):
        fit(folder, epochs=3, checkpoint_epochs=1)
    assert len(rows_in(folder)) == 1
    assert read_status(folder)["status"] == "failed"
    bound, history = fit(resume=folder, epochs=3)
    whole, expected = fit(epochs=3)
    assert without_times(history.rows) == without_times(expected.rows)
    for one, two in zip(parameters_of(bound.vae), parameters_of(whole.vae)):
        np.testing.assert_array_equal(one, two)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("is_training", [True, False])
def test_another_run_in_its_place_is_left_alone(is_training, tmp_path):
    folder, other = tmp_path / "run", config_from_python(gv.ELBO(small_vae()), gv.data.Dataset(IMAGES), None)
    found = []

    def replace():
        shutil.rmtree(folder)
        run = Run.create(folder, other)
        if not is_training:
            with run:
                pass
        found.extend([run, contents(folder)])

    with pytest.raises(RunError, match=r"was removed during the training and is of another|in use by another training"):
        fit(folder, epochs=3, learning_rate=at(4, replace))
    run, before = found
    assert contents(folder) == before
    if is_training:
        with run:
            pass
    assert read_status(folder)["status"] == "finished"


def test_a_folder_that_is_removed_after_the_training_is_told_of(tmp_path):
    config = config_from_python(gv.ELBO(small_vae()), gv.data.Dataset(IMAGES), None)
    with pytest.raises(RunError, match="was removed during the training"), Run.create(tmp_path / "run", config):
        shutil.rmtree(tmp_path / "run")
    run = Run.create(tmp_path / "run", config)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(RunError, match="was removed during the training"), run:
        run.write_result({"test_bound": 1.0})
    assert not (tmp_path / "run").exists()
    assert not [lock for lock in Lock._held if lock.path.parent == tmp_path / "run"]


@pytest.mark.parametrize("jumps", [[-86400.0], [86400.0], [0.0, 1e9, -1e9, 3600.0, -3600.0]])
def test_a_clock_that_is_set_changes_nothing(jumps, tmp_path, monkeypatch, capsys):
    """It is another one at each call."""
    whole, expected = fit(epochs=3)
    now, jump = time.time, itertools.cycle([0.0, *jumps])

    class Set(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(1.8e9 + next(jump), tz)

    for name in ("time.time", "tqdm.std.time"):
        monkeypatch.setattr(name, lambda: now() + next(jump))
    monkeypatch.setattr("gluonvae.training.status.datetime", Set)
    gv.seed(1)
    bound, folder = gv.ELBO(small_vae()), tmp_path / "run"
    history = gv.fit(bound, IMAGES, IMAGES[:20], epochs=3, batch_size=20, folder=folder, checkpoint_minutes=1e-9)
    assert "epoch 3/3" in capsys.readouterr().err
    assert without_times(history.rows) == without_times(expected.rows)
    assert all(0 < row["seconds"] < 60 for row in history.rows)
    for one, two in zip(parameters_of(bound.vae), parameters_of(whole.vae)):
        np.testing.assert_array_equal(one, two)
    assert_whole(folder, bound, history)
