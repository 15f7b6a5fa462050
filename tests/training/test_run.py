"""A run's folder: who may write it, and what it says."""

import os
import shutil
import subprocess
import sys
import time

import pytest

import gluonvae as gv
from gluonvae.training.checkpoint import CheckpointError
from gluonvae.training.config import RunError, config_from_python
from gluonvae.training.run import Run
from gluonvae.training.status import Lock, read_status
from tests.helpers import small_vae
from tests.helpers.runs import IMAGES, fit

pytestmark = pytest.mark.usefixtures("fast_disk")

CONFIG = config_from_python(gv.ELBO(small_vae()), gv.data.Dataset(IMAGES), None)


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


def test_folder_and_resume_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="give one of them"):
        fit(tmp_path / "run", resume=tmp_path / "run")


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
