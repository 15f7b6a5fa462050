"""The value of a batch that stands out: put there by hand."""

import numpy as np
import pytest

from gluonvae.outliers import find_outlier, without

KINDS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "far from 0": lambda rng, shape: 1000 + rng.standard_normal(shape),
    "counts": lambda rng, shape: rng.poisson(0.2, shape),
    "zeros and ones": lambda rng, shape: rng.integers(0, 2, shape),
    "constant": lambda rng, shape: np.full(shape, 0.3),
    "columns of other sizes": lambda rng, shape: rng.standard_normal(shape) * 10.0 ** (np.arange(shape[1]) % 5),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [1e20, -1e20, 1e8, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [1, 2, 3, 40])
def test_one_wrong_value_is_found_and_replaced(kind, value, rows, rng):
    values = KINDS[kind](rng, (rows, 20)).astype(np.float32)
    row, column = rows - 1, 13
    values[row, column] = value
    found = find_outlier(values)
    assert (found.row, found.column) == (row, column)
    np.testing.assert_equal(found.value, float(np.float32(value)))
    repaired = without(values, found)
    assert np.isfinite(repaired).all()
    assert np.abs(repaired).max() < 1e6
    assert repaired.dtype == values.dtype
    kept = np.ones_like(values, bool)
    kept[row, column] = False
    if rows == 40 and np.isfinite(value):
        np.testing.assert_array_equal(repaired[kept], values[kept])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [3, 40])
def test_ordinary_data_have_none(kind, rows, rng):
    assert find_outlier(KINDS[kind](rng, (rows, 20)).astype(np.float32)) is None


def test_a_value_that_is_missing_is_none_and_hides_none(rng):
    values = rng.standard_normal((40, 20))
    values[rng.random(values.shape) < 0.5] = np.nan
    values[:, 3] = np.nan
    assert find_outlier(values) is None
    values[17, 5] = 1e9
    found = find_outlier(values)
    assert found[:2] == (17, 5)
    np.testing.assert_array_equal(np.isnan(without(values, found)), np.isnan(values))


def test_only_the_rows_that_are_asked_about(rng):
    values = rng.standard_normal((30, 8))
    values[4, 2], values[9, 5] = 1e30, 1e10
    assert find_outlier(values)[:2] == (4, 2)
    assert find_outlier(values, np.array([3, 9]))[:2] == (9, 5)
    assert find_outlier(values, np.array([3])) is None


def test_others_like_it_are_replaced_with_it(rng):
    values = rng.standard_normal((30, 8))
    values[4], values[9, 5] = 1e19, 1e20
    assert np.abs(without(values, find_outlier(values))).max() < 10


def test_words_name_the_place_in_the_data_set(rng):
    values = np.zeros((5, 3))
    values[2, 1] = 1e9
    found = find_outlier(values)
    assert "column 1 of row 17 of the data is 1e+09" in found.describe(np.array([3, 8, 17, 4, 1]))
    assert "column 1 of row 2 of the batch is 1e+09" in found.describe()
