"""What tests of readers share."""

import signal

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty folder for decoded images."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GLUONVAE_CACHE", str(folder))
    return folder


@pytest.fixture
def no_hang():
    """Fail after ten seconds, in place of waiting for ever."""

    def fail(*_):
        raise TimeoutError("ten seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
