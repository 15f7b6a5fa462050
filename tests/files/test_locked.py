"""A folder that one process at a time is at work in."""

import multiprocessing
import time

import pytest

from gluonvae.files import locked

FORK = multiprocessing.get_context("fork")


def test_it_is_created_and_nothing_is_left_in_it(tmp_path):
    with locked(tmp_path / "a" / "b", 1):
        assert list((tmp_path / "a" / "b").iterdir()) == []
    with locked(tmp_path / "a" / "b", 1):  # it was given back
        pass


@pytest.fixture
def holder(tmp_path):
    """A process that holds a folder until it is killed."""
    inside = FORK.Event()

    def hold():
        with locked(tmp_path, 10):
            inside.set()
            time.sleep(60)

    process = FORK.Process(target=hold)
    process.start()
    assert inside.wait(10)
    yield process
    process.kill()
    process.join()


def test_another_process_is_waited_for_no_longer_than_told(tmp_path, holder):
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="another process has been at work in"), locked(tmp_path, 0.2):
        pass
    assert 0.2 <= time.monotonic() - started < 5


def test_a_process_that_is_killed_gives_it_back(tmp_path, holder):
    holder.kill()
    with locked(tmp_path, 10):
        pass


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="exists"), locked(tmp_path / "a", 1):
        pass


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def without(descriptor, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", without)
    with locked(tmp_path, 1), locked(tmp_path, 1):
        pass
