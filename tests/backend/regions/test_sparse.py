"""Layers of data that are mostly zeros, against float64 NumPy."""

import numpy as np
import pytest

from gluonvae.backend import compiled
from gluonvae.backend.installation import threads
from gluonvae.backend.regions import availability
from gluonvae.backend.runtime import OPENMP, mx

pytestmark = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)

ROWS, WIDTH, UNITS = 40, 300, 37


def outputs_and_gradients(x, weight, head, request="write"):
    """The output of a layer without bias, and the gradients of a weighted sum of it, which are 1 before."""
    tensors = [mx.nd.array(values) for values in (x, weight, np.zeros(len(weight)))]
    for tensor in tensors:
        tensor.attach_grad(request)
        tensor.grad[:] = 1
    with mx.autograd.record():
        y = compiled.dense(tensors[0], [compiled.Layer(tensors[1], tensors[2], len(weight), "identity")])
    y.backward(mx.nd.array(head))
    return [y.asnumpy(), *(tensor.grad.asnumpy() for tensor in tensors)]


def expected(x, weight, head):
    x, weight, head = (np.asarray(values, np.float32).astype(np.float64) for values in (x, weight, head))
    return [x @ weight.T, head @ weight, head.T @ x, head.sum(axis=0)]


def drawn(rng, share, rows=ROWS, width=WIDTH, units=UNITS):
    """Data of which a share is not 0, a weight, and what the outputs are weighted by."""
    x = rng.standard_normal((rows, width)) * (rng.random((rows, width)) < share)
    return x, rng.standard_normal((units, width)), rng.standard_normal((rows, units))


def assert_right(x, weight, head, request="write"):
    y, *gradients = expected(x, weight, head)
    wanted = [y, *(gradient + (request == "add") for gradient in gradients)]
    for got, want in zip(outputs_and_gradients(x, weight, head, request), wanted):
        np.testing.assert_allclose(got, want, rtol=0, atol=3e-6 * max(abs(want).max(), 1))


@pytest.mark.parametrize("share", [0, 0.003, 0.1, 0.32, 0.35, 0.5, 1])
def test_any_share_of_zeros(share, rng):
    assert_right(*drawn(rng, share))


SIZES = [(16, 128, 16), (17, 129, 31), (64, 191, 33), (65, 150, 100), (127, 784, 129), (130, 192, 260), (300, 200, 96)]


@pytest.mark.parametrize("request_", ["write", "add"])
@pytest.mark.parametrize("sizes", SIZES, ids="-".join(["%d"] * 3).__mod__)
def test_rows_widths_and_units(sizes, request_, rng):
    assert_right(*drawn(rng, 0.1, *sizes), request_)


@pytest.mark.parametrize("sizes", SIZES, ids="-".join(["%d"] * 3).__mod__)
def test_threads_change_nothing(sizes, rng):
    given, found, most = drawn(rng, 0.1, *sizes), [], threads()
    try:
        for count in (1, 2, 3, 5):
            OPENMP.omp_set_num_threads(count)
            found.append(outputs_and_gradients(*given))
    finally:
        OPENMP.omp_set_num_threads(most)
    for other in found[1:]:
        for one, same in zip(found[0], other):
            np.testing.assert_array_equal(one, same)


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
