"""Dense layers: gradients of weights that are computed transposed, against float64 NumPy; what is recorded or not."""

import numpy as np
import pytest

from gluonvae.backend import compiled
from gluonvae.backend.regions import availability, forms
from gluonvae.backend.regions.program import Instruction, Program
from gluonvae.backend.runtime import mx

from .layer import assert_right, assert_the_same_for_any_number_of_threads, drawn

pytestmark = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)

SIZES = [(2048, 9, 31), (2500, 33, 200), (2100, 20, 21), (3001, 1, 16), (2049, 40, 97)]
ids = "-".join(["%d"] * 3).__mod__


def is_transposed(rows, width, units):
    program = Program(3, (Instruction("dense", (0, 1, 2), {"units": units, "activation": "identity"}),), (3,))
    return forms.transposes_gradient(program, [(rows, width), (units, width), (units,), (rows, units)], 0)


def test_which_gradients_are_computed_transposed():
    assert all(is_transposed(*sizes) for sizes in SIZES)
    assert not is_transposed(2047, 9, 31)
    assert not is_transposed(2048, 31, 31)


@pytest.mark.parametrize("request_", ["write", "add"])
@pytest.mark.parametrize("sizes", SIZES, ids=ids)
def test_values_and_gradients(sizes, request_, rng):
    assert_right(*drawn(rng, 1, *sizes), request_)


@pytest.mark.parametrize("sizes", SIZES, ids=ids)
def test_threads_change_nothing(sizes, rng):
    assert_the_same_for_any_number_of_threads(drawn(rng, 1, *sizes))


PRECISIONS = ["float32", *(["bfloat16"] if availability.narrow_products_available() else [])]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("share", [1, 0.1])
@pytest.mark.parametrize("rows", [1, 40, 300])
def test_recorded_or_not(rows, share, precision, rng):
    """Results that are read in a backward pass are in memory of their own, and others are not."""
    x = mx.nd.array(rng.standard_normal((rows, 200)) * (rng.random((rows, 200)) < share))
    sizes, activations = [200, 160, 33, 7], ["tanh", "relu", "identity"]
    layers = []
    for width, units, activation in zip(sizes, sizes[1:], activations):
        weight, bias = mx.nd.array(rng.standard_normal((units, width))), mx.nd.array(rng.standard_normal(units))
        weight.attach_grad()
        layers.append(compiled.Layer(weight, bias, units, activation, precision))
    with mx.autograd.record():
        recorded = compiled.dense(x, layers)
    np.testing.assert_array_equal(compiled.dense(x, layers).asnumpy(), recorded.asnumpy())
