"""Layers of data that are mostly zeros, against float64 NumPy."""

import numpy as np
import pytest

from gluonvae.backend.regions import availability

from . import layer
from .layer import assert_right, assert_the_same_for_any_number_of_threads, expected, outputs_and_gradients

pytestmark = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)

ROWS, WIDTH, UNITS = 40, 300, 37


def drawn(rng, share):
    return layer.drawn(rng, share, ROWS, WIDTH, UNITS)


@pytest.mark.parametrize("share", [0, 0.003, 0.1, 0.32, 0.35, 0.5, 1])
def test_any_share_of_zeros(share, rng):
    assert_right(*drawn(rng, share))


SIZES = [(16, 128, 16), (17, 129, 31), (64, 191, 33), (65, 150, 100), (127, 784, 129), (130, 192, 260), (300, 200, 96)]


@pytest.mark.parametrize("request_", ["write", "add"])
@pytest.mark.parametrize("sizes", SIZES, ids="-".join(["%d"] * 3).__mod__)
def test_rows_widths_and_units(sizes, request_, rng):
    assert_right(*layer.drawn(rng, 0.1, *sizes), request_)


@pytest.mark.parametrize("sizes", SIZES, ids="-".join(["%d"] * 3).__mod__)
def test_threads_change_nothing(sizes, rng):
    assert_the_same_for_any_number_of_threads(layer.drawn(rng, 0.1, *sizes))


def test_rows_that_are_not_like_those_that_are_looked_at(rng):
    x, weight, head = drawn(rng, 0.05)
    x[1::2] = rng.standard_normal(x[1::2].shape)  # of 40 rows each second is looked at
    assert_right(x, weight, head)


def test_whether_zeros_are_left_out_is_a_matter_of_their_number(rng):
    from gluonvae.backend.regions.bodies.sparse import are_mostly_zeros

    def are(x):
        x = np.ascontiguousarray(x, np.float32)
        return are_mostly_zeros(x.ctypes.data, *x.shape)

    for width in (132, 150, 195, 783):
        x = np.ones((33, width))
        assert not are(x)
        x[:, width // 3 :] = 0
        assert are(x)
        x[:, : width // 3] = np.nan
        x[:, 64:] = -0.0
        assert are(x)
        x[:, width // 3] = 1
        x[:, 64:] = 1
        assert not are(x)


def test_what_is_left_out_of_a_product_does_not_hide_what_is_not_finite(rng):
    x, weight, head = drawn(rng, 0.1)
    x[:, 5] = 0
    weight[3, 5], weight[36, 5], head[7, 2] = np.nan, np.inf, np.inf
    y, of_x, of_weight, _ = outputs_and_gradients(x, weight, head)
    with np.errstate(invalid="ignore"):
        want = expected(x, weight, head)
    for got, other in zip((y, of_x, of_weight), want):
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(other))
    assert np.isnan(y[:, [3, 36]]).all()
    assert not np.isfinite(of_weight[2]).any()


def test_nan_in_the_data_is_passed_on(rng):
    x, weight, head = drawn(rng, 0.1)
    x[11, 250] = np.nan
    y, _, of_weight, _ = outputs_and_gradients(x, weight, head)
    np.testing.assert_array_equal(np.isnan(y).all(axis=1), np.arange(ROWS) == 11)
    np.testing.assert_array_equal(np.isnan(of_weight).all(axis=0), np.arange(WIDTH) == 250)
