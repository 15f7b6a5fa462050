"""Dense layers of so many rows that the gradient of the weight is computed transposed, against float64 NumPy."""

import pytest

from gluonvae.backend.regions import availability, forms
from gluonvae.backend.regions.program import Instruction, Program

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
