"""Fixtures that every test may use."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx

# what fails in them is shown as in a test
pytest.register_assert_rewrite("tests.helpers", "tests.tables", "tests.truths")


@pytest.fixture(autouse=True)
def seed(request):
    """Every test starts from one seed, shown where it fails; ``pytest --seed N`` tries another."""
    value = request.config.getoption("--seed")
    gv.seed(value)
    return value


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=11, help="of noise and parameters in the tests")
    parser.addoption(
        "--programs", type=int, default=3, help="how many random programs of tests/objectives/test_programs.py"
    )


def pytest_report_header(config):
    return f"gluonvae seed: {config.getoption('--seed')}, mxnet {mx.__version__}, numpy {np.__version__}"


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


@pytest.fixture
def fast_disk(monkeypatch):
    """Do not wait for the disk, in tests that are not about it."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
