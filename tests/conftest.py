"""Fixtures that every test may use."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx

MODES = {
    "imperative": None,
    "hybrid": {},
    "static_alloc": {"static_alloc": True},
    "static_shape": {"static_alloc": True, "static_shape": True},
}
BATCHES = (1, 7, 64)


def set_mode(block, mode):
    """Switch ``block`` to one of MODES."""
    flags = MODES[mode]
    if flags is None:
        block.hybridize(False)
    else:
        block.hybridize(**flags)


@pytest.fixture(autouse=True)
def seed(request):
    """Every test starts from one seed, shown where it fails; ``pytest --seed N`` tries another."""
    value = request.config.getoption("--seed")
    gv.seed(value)
    return value


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=11, help="of noise and parameters in the tests")


def pytest_report_header(config):
    return f"gluonvae seed: {config.getoption('--seed')}, mxnet {mx.__version__}, numpy {np.__version__}"


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


def nd(values, dtype="float32"):
    return mx.nd.array(values, dtype=dtype)


def pixels(rng, batch, size=12):
    """Random zeros and ones, ``(batch, size)``."""
    return nd(rng.integers(0, 2, (batch, size)))


def small_vae(**changes):
    """A model small enough for finite differences: 12 pixels, 4 latent variables."""
    sizes = {"generator_layer_sizes": [5, 6], "infer_layer_sizes": [6, 5], "latent_variable_size": 4, "data_dims": 12}
    vae = gv.construct_vae(**{**sizes, **changes})
    vae.initialize()
    return vae
