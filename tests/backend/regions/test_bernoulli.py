"""The log mass of binary values as it is compiled into regions, against float64 NumPy."""

import numpy as np
import pytest

from gluonvae.backend import log_probs
from gluonvae.backend.regions import availability
from gluonvae.backend.runtime import mx

pytestmark = pytest.mark.skipif(not availability.loops_compile(), reason="numba does not compile here")

LOGITS = {
    "0": lambda rng, shape: np.zeros(shape),
    "about 0": lambda rng, shape: rng.standard_normal(shape),
    "certain": lambda rng, shape: 50 + rng.standard_normal(shape),
    "far too certain": lambda rng, shape: np.full(shape, 200.0),
    "infinite": lambda rng, shape: np.full(shape, np.inf),
    "wrong": lambda rng, shape: -50 + rng.standard_normal(shape),
}
"""Of the value that is there."""


# float32 has no probability below 1e-38
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float32", 1e-6, 1e-34), ("float64", 1e-14, 0)])
@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 784, 1024, 1025, 3072])
@pytest.mark.parametrize("logits", LOGITS)
def test_log_mass(logits, pixels, dtype, rtol, atol, rng):
    """It has the precision of the dtype, also where it is almost 0, and where rows are taken in parts."""
    value = rng.integers(0, 2, (5, pixels))
    own = LOGITS[logits](rng, value.shape).astype(dtype) * (2 * value - 1)
    log_prob = log_probs.bernoulli(mx.nd.array(own, dtype=dtype), mx.nd.array(value, dtype=dtype)).asnumpy()
    expected = -np.logaddexp(0, (1 - 2 * value) * own.astype(np.float64)).sum(axis=-1)
    np.testing.assert_allclose(log_prob, expected, rtol=rtol, atol=atol)


def test_a_pixel_that_is_no_number_is_told_in_its_row_alone(rng):
    value, logits = rng.integers(0, 2, (3, 784)), rng.standard_normal((3, 784))
    logits[1, 700] = np.nan
    log_prob = log_probs.bernoulli(mx.nd.array(logits), mx.nd.array(value)).asnumpy()
    np.testing.assert_array_equal(np.isnan(log_prob), [False, True, False])
