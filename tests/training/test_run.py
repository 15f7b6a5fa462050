"""A run's folder: who may write it, what it says, and what is left when a training ends."""

import hashlib
import json
import os
import shutil
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
from gluonvae.training.divergence import Diverged
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


def test_a_folder_that_is_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    fit(tmp_path / "runs" / "one")
    with Run.create_named(str(tmp_path / "runs" / "two"), CONFIG) as run:
        assert run.folder.is_dir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    fit(tmp_path / "link")
    assert (tmp_path / "empty" / "model.params").exists()


def test_a_default_name_under_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "runs").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="runs"):
        Run.create_named(str(tmp_path / "runs" / "a"), CONFIG)


def test_parameters_that_were_not_written_after_the_last_checkpoint_are_when_resumed(tmp_path, monkeypatch):
    bound, _ = fit(tmp_path / "run")
    (tmp_path / "run" / "model.params").unlink()
    fit(resume=tmp_path / "run")
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    for one, two in zip(bound.vae.collect_params().values(), other.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_a_run_that_another_process_has_made_in_between_is_left_alone(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    take = Lock.__init__

    def late(lock, place):
        take(lock, place)
        (place / "config.json").write_text("theirs")
        (place / "checkpoints").mkdir()

    monkeypatch.setattr(Lock, "__init__", late)
    with pytest.raises(RunError, match="exists already"):
        Run.create(folder, CONFIG)
    assert (folder / "config.json").read_text() == "theirs"
    assert (folder / "checkpoints").is_dir()


def test_a_lock_whose_file_is_gone_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda descriptor, how: (tmp_path / "lock").unlink())
    with pytest.raises(RunError, match="was removed by another training"):
        Lock(tmp_path)


def parameters_in(folder):
    return {name: values.asnumpy() for name, values in mx.nd.load(str(folder / "model.params")).items()}


@pytest.mark.parametrize("validated", [True, False])
def test_the_last_update_is_looked_at_too(validated, tmp_path):
    """With an infinite update in the only step of an epoch."""
    bound = gv.ELBO(small_vae())
    valid = IMAGES[:20] if validated else None
    arguments = {"epochs": 1, "batch_size": 60, "optimizer": "sgd", "progress": False}
    with pytest.raises(Diverged, match=r"an update has made .* infinite or NaN at step 1"):
        gv.fit(bound, IMAGES, valid, learning_rate=3e38, folder=tmp_path / "run", **arguments)
    assert read_status(tmp_path / "run")["status"] == "diverged"
    assert all(np.isfinite(values).all() for values in parameters_in(tmp_path / "run").values())
    assert all(np.isfinite(p.data().asnumpy()).all() for p in bound.vae.collect_params().values())


def test_a_divergence_soon_after_a_resume_keeps_good_parameters(tmp_path):
    fit(tmp_path / "run")
    with pytest.raises(Diverged):
        fit(resume=tmp_path / "run", epochs=9, learning_rate=3e38)
    assert all(np.isfinite(values).all() for values in parameters_in(tmp_path / "run").values())


def test_a_divergence_keeps_the_best_epoch(tmp_path):
    def rate(step):
        return 0.01 if step < 9 else 3e38

    with pytest.raises(Diverged):
        fit(tmp_path / "run", epochs=9, checkpoint_epochs=1000, learning_rate=rate, optimizer="sgd")
    small_vae().load_parameters(str(tmp_path / "run" / "best.params"))


def test_a_trained_run_without_checkpoints_is_not_trained_over(tmp_path):
    fit(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(RunError, match="has no checkpoints to go on from"):
        fit(resume=tmp_path / "run")
    assert read_status(tmp_path / "run")["status"] == "finished"


def test_a_resume_that_is_refused_leaves_the_status(tmp_path):
    fit(tmp_path / "run")
    with pytest.raises(CheckpointError, match="batch size"):
        fit(resume=tmp_path / "run", batch_size=10)
    assert read_status(tmp_path / "run")["status"] == "finished"


def test_parameters_that_could_not_be_written_leave_those_before_valid(tmp_path, monkeypatch):
    import gluonvae.training.run as module

    fit(tmp_path / "run")
    write = module.write_bytes

    def full(path, content):
        if path.name == "model.params":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(module, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        fit(resume=tmp_path / "run", epochs=4)
    monkeypatch.undo()
    content = (tmp_path / "run" / "model.params").read_bytes()
    assert hashlib.sha256(content).hexdigest() in read_status(tmp_path / "run")["parameters"]


def test_an_error_before_the_update_costs_no_step(tmp_path):
    """A schedule that fails at step 5, in the second epoch: four steps are in the checkpoint."""

    def rate(step):
        if step == 4:
            raise RuntimeError("no rate")
        return 0.01

    with pytest.raises(RuntimeError, match="no rate"):
        fit(tmp_path / "run", learning_rate=rate)
    _, history = fit(resume=tmp_path / "run", learning_rate=0.01)
    assert history["valid_bound"] == fit(learning_rate=0.01)[1]["valid_bound"]
    names = [path.name for path in checkpoint.found(tmp_path / "run" / "checkpoints")]
    assert names[1] == "step-000000004.npz"


def test_an_interrupt_between_a_step_and_its_count_is_no_checkpoint(tmp_path, monkeypatch):
    state, calls = gv.noise.NoiseSource.state, []

    def interrupted(source):
        calls.append(source)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return state(source)

    monkeypatch.setattr(gv.noise.NoiseSource, "state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run")
    monkeypatch.undo()
    _, history = fit(resume=tmp_path / "run")
    assert history["valid_bound"] == fit()[1]["valid_bound"]
