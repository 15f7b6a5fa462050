"""Fixtures that every test may use."""

import gc
import os
import signal

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import CHOSEN, mx

# what fails in them is shown as in a test
pytest.register_assert_rewrite("tests.helpers", "tests.tables", "tests.truths")


@pytest.fixture(autouse=True)
def seed(request):
    """Every test starts from one seed, shown where it fails; ``pytest --seed N`` tries another."""
    value = request.config.getoption("--seed")
    gv.seed(value)
    return value


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    """Workers share the cores: with more threads than there are, MXNet is many times slower."""
    for name in CHOSEN:  # by gluonvae in this process, and not by the user
        del os.environ[name]
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """What is there now stays to the end: gc.collect, which Gluon's DataLoader calls, does not look through it."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=11, help="of noise and parameters in the tests")
    parser.addoption(
        "--programs", type=int, default=2, help="how many random programs of tests/objectives/test_programs.py"
    )
    parser.addoption(
        "--in-full", action="store_true", help="trainings of documents and of the notebook as long as printed"
    )


@pytest.fixture(scope="session")
def in_full(request):
    """Whether tests that have a short version run as they are in full, which takes long."""
    return request.config.getoption("--in-full")


def pytest_report_header(config):
    return f"gluonvae seed: {config.getoption('--seed')}, mxnet {mx.__version__}, numpy {np.__version__}"


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """Nothing of the tests is left in the user's cache, nor read from it."""
    before = os.environ.get("GLUONVAE_CACHE")
    os.environ["GLUONVAE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("GLUONVAE_CACHE") if before is None else os.environ.update(GLUONVAE_CACHE=before)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Ctrl-C is heeded, also where the tests are a background job of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch):
    """Do not wait for the disk: what is synchronised and when is seen by other means in tests/files."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def no_pictures(monkeypatch):
    """Trainings of the command draw no pictures, in tests that are not about them."""
    from tests.helpers.commands import without_pictures

    without_pictures(monkeypatch)


@pytest.fixture
def few_digits(monkeypatch, no_pictures):
    """The built-in digits are 60 in each part, and no picture is drawn."""
    few = gv.data.Splits(*(part.subset(slice(60)) for part in gv.data.load("digits", binarization="none")))
    monkeypatch.setitem(gv.data.NAMED, "digits", lambda folder: few)
