"""Biases and activations, and the log mass of binary pixels, as they are compiled into regions, against float64 NumPy."""

import numpy as np
import pytest

from gluonvae.backend import log_probs
from gluonvae.backend.regions import availability
from gluonvae.backend.regions.kinds import ACTIVATIONS as NAMES
from gluonvae.backend.runtime import mx

from .activations import ACTIVATIONS

pytestmark = pytest.mark.skipif(not availability.loops_compile(), reason="numba does not compile here")


@pytest.fixture(scope="module")
def add_bias_and_activate():
    from gluonvae.backend.regions.bodies import dense, native

    @native.compiled
    def call(x, bias, y, rows, units, kind):
        dense.add_bias_and_activate(x, bias, y, rows, units, kind)

    return call


@pytest.mark.parametrize("units", [1, 100, 2048, 5000])
@pytest.mark.parametrize("name", NAMES)
def test_in_place_and_apart(add_bias_and_activate, name, units, rng):
    x, bias = (rng.standard_normal(shape).astype(np.float32) * 3 for shape in ((3, units), units))
    x[0, :1] = np.nan
    with np.errstate(invalid="ignore"):
        expected = ACTIVATIONS[name][0](x.astype(np.float64) + bias)
    for y in (np.empty_like(x), x):
        add_bias_and_activate(*(array.ctypes.data for array in (x, bias, y)), *x.shape, NAMES.index(name))
        np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-6)


LOGITS = {
    "0": lambda rng, shape: np.zeros(shape),
    "about 0": lambda rng, shape: rng.standard_normal(shape),
    "certain": lambda rng, shape: 50 + rng.standard_normal(shape),
    "far too certain": lambda rng, shape: np.full(shape, 200.0),
    "wrong": lambda rng, shape: -50 + rng.standard_normal(shape),
}
"""Of the value that is there."""


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 784, 1024, 1025, 3072])
@pytest.mark.parametrize("logits", LOGITS)
def test_log_mass_of_binary_pixels(logits, pixels, dtype, rtol, rng):
    """Also of sums that are almost 0, and of rows that are taken in parts, it has the precision of the dtype."""
    value = rng.integers(0, 2, (5, pixels))
    own = LOGITS[logits](rng, value.shape).astype(dtype) * (2 * value - 1)
    log_prob = log_probs.bernoulli(mx.nd.array(own, dtype=dtype), mx.nd.array(value, dtype=dtype)).asnumpy()
    expected = -np.logaddexp(0, (1 - 2 * value) * own.astype(np.float64)).sum(axis=-1)
    np.testing.assert_allclose(log_prob, expected, rtol=rtol, atol=1e-34)


def test_a_pixel_that_is_no_number_is_told_in_its_row_alone(rng):
    value, logits = rng.integers(0, 2, (3, 784)), rng.standard_normal((3, 784))
    logits[1, 700] = np.nan
    log_prob = log_probs.bernoulli(mx.nd.array(logits), mx.nd.array(value)).asnumpy()
    np.testing.assert_array_equal(np.isnan(log_prob), [False, True, False])
