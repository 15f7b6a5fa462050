"""A run's folder: who may write it, what it says, and what is left when a training ends."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training import checkpoint
from gluonvae.training.checkpoint import Checkpoint, CheckpointError
from gluonvae.training.config import RunError, config_from_python
from gluonvae.training.run import Run
from gluonvae.training.status import Lock, read_status
from tests.helpers import patterns, small_vae

IMAGES = patterns(np.random.default_rng(0), 60)
CONFIG = config_from_python(gv.ELBO(small_vae()), gv.data.Dataset(IMAGES), None)


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch):
    """Without waiting for the disk, which nothing here is about."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def fit(folder=None, **options):
    gv.seed(1)
    options = {"epochs": 2, "batch_size": 20, **options}
    bound = options.pop("bound", None) or gv.ELBO(small_vae())
    return bound, gv.fit(bound, IMAGES, IMAGES[:20], progress=False, folder=folder, **options)


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit()
    assert not any(tmp_path.iterdir())


def test_a_folder_has_one_owner(tmp_path):
    with Run.create(tmp_path / "run", CONFIG):
        assert read_status(tmp_path / "run")["status"] == "running"
        assert read_status(tmp_path / "run")["process"] == os.getpid()
        for claim in (lambda: Run.create(tmp_path / "run", CONFIG), lambda: Run.resume(tmp_path / "run")):
            with pytest.raises(RunError):
                claim()
    with pytest.raises(RunError, match="exists already"):
        Run.create(tmp_path / "run", CONFIG)


def test_another_process_is_told_who_is_training(tmp_path):
    code = f"from gluonvae.training.run import Run; Run.resume({str(tmp_path / 'run')!r})"
    (tmp_path / "x").mkdir()
    with Run.create(tmp_path / "run", CONFIG):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"in use by another training, process {os.getpid()} on" in done.stderr


def can_be_locked(folder):
    try:
        Lock(folder).release()
    except RunError:
        return False
    return True


def test_a_child_of_a_fork_does_not_hold_the_lock(tmp_path):
    """A worker that loads data may outlive a training that was killed."""
    run = Run.create(tmp_path / "run", CONFIG)
    child = os.fork()
    if not child:
        time.sleep(20)
        os._exit(0)
    try:
        run._lock.release()
        deadline = time.time() + 10
        while not can_be_locked(run.folder) and time.time() < deadline:
            time.sleep(0.01)
        assert can_be_locked(run.folder)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_default_names_differ(tmp_path):
    with Run.create_named(str(tmp_path / "a"), CONFIG) as one, Run.create_named(str(tmp_path / "a"), CONFIG) as other:
        assert (one.folder.name, other.folder.name) == ("a", "a-2")


def test_a_folder_that_a_killed_process_had_begun_is_taken(tmp_path):
    for name in ("lock", "status.json", ".config.0123456789abcdef.part.json"):
        (tmp_path / name).write_text("")
    with Run.create(tmp_path, CONFIG):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "lock", "status.json"]


def test_metrics_that_cannot_be_written_cost_no_parameters(tmp_path):
    folder = tmp_path / "run"

    def in_the_way(metrics):
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        (folder / "metrics.jsonl").mkdir(exist_ok=True)

    with pytest.raises(IsADirectoryError):
        fit(folder, callbacks=[in_the_way])
    (folder / "metrics.jsonl").rmdir()
    _, history = fit(resume=folder)
    assert history["valid_bound"] == fit()[1]["valid_bound"]
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_users_folder_is_left_alone(tmp_path):
    (tmp_path / "photo.png").write_text("")
    with pytest.raises(RunError, match="exists already"):
        Run.create(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("place", ["file/run", "dangling"])
def test_an_impossible_place_is_refused_before_the_first_step(place, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    steps = []
    with pytest.raises((OSError, RunError)):
        fit(tmp_path / place, learning_rate=lambda step: steps.append(step) or 0.01)
    assert steps in ([], [0])  # the rate of the first step is looked at


def test_a_disk_without_room_for_a_checkpoint_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gluonvae.training.checkpoint.write_bytes", full)
    bound = gv.ELBO(small_vae())
    before = bound.vae.generator.logits_head.weight.data().asnumpy()
    with pytest.raises(OSError, match="No space"):
        fit(tmp_path / "run", bound=bound)
    assert not (tmp_path / "run").exists()
    np.testing.assert_array_equal(bound.vae.generator.logits_head.weight.data().asnumpy(), before)


def test_a_finished_run(tmp_path):
    bound, history = fit(tmp_path / "run")
    assert read_status(tmp_path / "run")["status"] == "finished"
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows == history.rows
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    for one, two in zip(bound.vae.collect_params().values(), other.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def boom(error, after):
    calls = []

    def callback(metrics):
        calls.append(metrics)
        if len(calls) == after:
            raise error

    return callback


@pytest.mark.parametrize("error", [MemoryError("bad alloc"), mx.base.MXNetError("x"), RuntimeError("y"), SystemExit(3)])
def test_what_was_learnt_before_an_exception_is_there(error, tmp_path):
    whole, expected = fit(epochs=3)
    with pytest.raises(type(error)):
        fit(tmp_path / "run", epochs=3, callbacks=[boom(error, 1)])
    status = read_status(tmp_path / "run")
    assert (status["status"], status["message"]) == ("failed", str(error))
    bound, history = fit(resume=tmp_path / "run", epochs=3)
    assert history["valid_bound"] == expected["valid_bound"]
    for one, two in zip(bound.vae.collect_params().values(), whole.vae.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_memory_that_runs_out_at_the_first_validation_keeps_the_epoch(tmp_path, monkeypatch):
    def fail(bound, data):
        raise MemoryError("bad alloc")

    monkeypatch.setattr("gluonvae.training.loop.evaluate", fail)
    with pytest.raises(MemoryError):
        fit(tmp_path / "run")
    small_vae().load_parameters(str(tmp_path / "run" / "model.params"))
    monkeypatch.undo()
    _, history = fit(resume=tmp_path / "run")
    assert history["valid_bound"] == fit()[1]["valid_bound"]


def test_a_diverged_run_keeps_finite_parameters(tmp_path):
    with pytest.raises(FloatingPointError):
        fit(tmp_path / "run", epochs=50, optimizer="sgd", learning_rate=1e18)
    assert read_status(tmp_path / "run")["status"] == "diverged"
    saved = mx.nd.load(str(tmp_path / "run" / "model.params"))
    assert all(np.isfinite(values.asnumpy()).all() for values in saved.values())


def test_checkpoints_are_pruned(tmp_path):
    fit(tmp_path / "run", epochs=5, checkpoint_epochs=1)
    assert [path.name for path in checkpoint.found(tmp_path / "run" / "checkpoints")] == [
        "step-000000015.npz",
        "step-000000012.npz",
    ]


def test_checkpoint_epochs(tmp_path):
    seen = []

    def look(metrics):
        seen.append([path.name[-6:-4] for path in checkpoint.found(tmp_path / "run" / "checkpoints")])

    fit(tmp_path / "run", epochs=5, checkpoint_epochs=2, callbacks=[look])
    assert seen == [["00"], ["00"], ["06", "00"], ["06", "00"], ["12", "06"]]


def test_folder_and_resume_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="give one of them"):
        fit(tmp_path / "run", resume=tmp_path / "run")


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "step-000000001.npz"
    content = Checkpoint({"a": [1, 2.5, None]}, {"x/y": np.arange(6.0).reshape(2, 3), "n": np.array(3)})
    checkpoint.write(path, content)
    return path, content


def test_a_checkpoint_comes_back(written):
    path, content = written
    state, arrays = checkpoint.read(path)
    assert state == content.state
    assert arrays.keys() == content.arrays.keys()
    for name, values in content.arrays.items():
        assert arrays[name].dtype == values.dtype
        np.testing.assert_array_equal(arrays[name], values)


def test_a_damaged_checkpoint_is_refused_whatever_byte_is_wrong(written, rng):
    """Each byte in turn: the checkpoint is refused, or what is read is what was written."""
    path, content = written
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            state, arrays = checkpoint.read(path)
        except CheckpointError:
            refused += 1
            continue
        assert state == content.state
        for name, values in content.arrays.items():
            np.testing.assert_array_equal(arrays[name], values)
    assert refused > len(whole) / 6
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError):
            checkpoint.read(path)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    whole = fit()
    fit(tmp_path / "run", epochs=1, checkpoint_epochs=1)
    last, _ = checkpoint.found(tmp_path / "run" / "checkpoints")
    last.write_bytes(last.read_bytes()[:-100])
    _, history = fit(resume=tmp_path / "run")
    assert f"{last} cannot be read" in caplog.text
    assert history["valid_bound"] == whole[1]["valid_bound"]
    for path in checkpoint.found(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        fit(resume=tmp_path / "run")
