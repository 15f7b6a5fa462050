"""Whether tensors are finite: what NumPy says of them."""

import numpy as np
import pytest

from gluonvae.backend.finite import LARGEST, FiniteCheck
from gluonvae.backend.operators import as_numpy
from gluonvae.backend.regions.tables import PIECE
from gluonvae.backend.runtime import mx
from tests.helpers import nd

SHAPES = [(3,), (2 * PIECE + 5,), (7, 11), (1,)]
WRONG = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf, "too large": 2e19, "too small": -2e19}


def tensors(dtype="float32"):
    return [nd(np.random.default_rng(0).standard_normal(shape), dtype) for shape in SHAPES]


def sound(check, arrays):
    return bool(np.isfinite(as_numpy(check(arrays))).all())


every_check = pytest.mark.parametrize("waits", [True, False])


@every_check
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_number_anywhere_is_found_and_its_going_is_noticed(wrong, dtype, waits):
    check, arrays = FiniteCheck(waits), tensors(dtype)
    assert sound(check, arrays)
    for array in arrays:
        for place in (0, array.size // 2, array.size - 1):
            values = array.asnumpy()
            changed = values.copy()
            changed.ravel()[place] = WRONG[wrong]
            array[:] = nd(changed, dtype)
            assert not sound(check, arrays)
            array[:] = nd(values, dtype)
            assert sound(check, arrays)


@every_check
def test_large_numbers_are_let_through(waits):
    assert sound(FiniteCheck(waits), [nd([1e18, -1e18]), nd([0.0])])
    assert LARGEST > 1e19


@every_check
def test_other_tensors_are_looked_at_where_they_are(waits):
    check = FiniteCheck(waits)
    assert sound(check, tensors())
    assert not sound(check, [*tensors(), nd([np.nan])])
    assert not sound(check, [nd([np.nan])])
    assert sound(check, tensors()[:1])


@every_check
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_sparse_gradients(value, waits):
    rows = mx.nd.sparse.row_sparse_array((nd([[0.5, value]]), [3]), shape=(6, 2))
    assert sound(FiniteCheck(waits), [nd([1.0]), rows]) == np.isfinite(value)
