"""Biases and activations as they are compiled into regions, against float64 NumPy."""

import numpy as np
import pytest

from gluonvae.backend.regions import availability
from gluonvae.backend.regions.kinds import ACTIVATIONS as NAMES

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
    bias[: units // 2] *= 1e-9
    x[0, : units // 2] *= 1e-9
    x[1, :1] = np.nan
    with np.errstate(invalid="ignore"):
        expected = ACTIVATIONS[name][0]((x + bias).astype(np.float64))
    for y in (np.empty_like(x), x):
        add_bias_and_activate(*(array.ctypes.data for array in (x, bias, y)), *x.shape, NAMES.index(name))
        np.testing.assert_allclose(y, expected, rtol=5e-7)
