"""Means and standard deviations of columns, in blocks."""

import numpy as np
import pytest

from gluonvae import moments
from gluonvae.moments import RowBlocks, column_moments


@pytest.mark.parametrize("sizes", [[50], [1, 49], [7, 30, 13], [10] * 5])
def test_moments_are_numpys_whatever_the_blocks(sizes, rng):
    x = rng.standard_normal((50, 4)) * [1e-4, 1, 1e3, 1] + [0, -2, 1e6, 1e9]
    mean, std = column_moments(np.split(x, np.cumsum(sizes)[:-1]))
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-13, atol=1e-18)
    # of a column at 10^9 a float64 has seven digits of the differences
    np.testing.assert_array_less(abs(std / x.std(0) - 1), [1e-12, 1e-12, 1e-9, 1e-6])


def test_missing_values_are_passed_over(rng):
    x = rng.standard_normal((60, 5)) + 3
    x[rng.random(x.shape) < 0.4] = np.nan
    x[:20, 2], x[:, 4] = np.nan, np.nan
    mean, std = column_moments([x[:20], x[20:25], x[25:]])
    np.testing.assert_allclose(mean[:4], np.nanmean(x[:, :4], axis=0), rtol=1e-12)
    np.testing.assert_allclose(std[:4], np.nanstd(x[:, :4], axis=0), rtol=1e-12)
    assert (mean[4], std[4]) == (0, 0)


def test_blocks_are_all_rows_in_their_order_again_and_again(monkeypatch):
    monkeypatch.setattr(moments, "VALUES_AT_ONCE", 12)
    values = np.arange(60, dtype=np.uint8).reshape(10, 2, 3)
    blocks = RowBlocks(lambda rows: values[rows] / 255, (len(values), values[0].size))
    for _ in range(2):
        parts = list(blocks)
        assert [part.shape for part in parts] == [(2, 6)] * 5
        assert {part.dtype for part in parts} == {np.dtype("float64")}
        np.testing.assert_array_equal(np.concatenate(parts), values.reshape(10, 6) / 255)
