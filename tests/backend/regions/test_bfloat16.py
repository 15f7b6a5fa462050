"""Products in bfloat16 against float64 NumPy: of operands rounded to bfloat16, added up in float32."""

import numpy as np
import pytest

from gluonvae.backend import compiled
from gluonvae.backend.installation import threads
from gluonvae.backend.regions.availability import narrow_products_available
from gluonvae.backend.runtime import OPENMP, mx

pytestmark = pytest.mark.skipif(not narrow_products_available(), reason="no products in bfloat16 here")


def rounded(x):
    """``x`` to the nearest bfloat16, and of two to the even one: the upper half of its 32 bits."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits >> 16 << 16).astype(np.uint32).view(np.float32).astype(np.float64)


def layer(x, weight, bias, activation="identity"):
    return compiled.dense(x, [compiled.Layer(weight, bias, weight.shape[0], activation, "bfloat16")])


def drawn(rng, rows, inner, units):
    return [mx.nd.array(rng.standard_normal(shape)) for shape in ((rows, inner), (units, inner), (units,))]


@pytest.mark.parametrize("requests", ["write", "add", "null"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 37, 5), (17, 3, 1), (300, 64, 33), (143, 129, 20)])
def test_values_and_gradients(sizes, requests, rng):
    x, weight, bias = inputs = drawn(rng, *sizes)
    head = mx.nd.array(rng.standard_normal((sizes[0], sizes[2])))
    for tensor, request in zip(inputs, ("write", requests, "write")):
        tensor.attach_grad(request)
        if request == "add":
            tensor.grad[:] = 1
    with mx.autograd.record():
        y = layer(*inputs)
    y.backward(head)
    a, w, g = (rounded(tensor.asnumpy()) for tensor in (x, weight, head))
    np.testing.assert_allclose(y.asnumpy(), a @ w.T + bias.asnumpy(), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(x.grad.asnumpy(), g @ w, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(bias.grad.asnumpy(), head.asnumpy().sum(axis=0), rtol=1e-5, atol=1e-4)
    if requests != "null":
        np.testing.assert_allclose(weight.grad.asnumpy(), g.T @ a + (requests == "add"), rtol=1e-5, atol=1e-4)


def test_the_activation_is_of_float32(rng):
    x, weight, bias = inputs = drawn(rng, 40, 30, 20)
    before = rounded(x.asnumpy()) @ rounded(weight.asnumpy()).T + bias.asnumpy()
    np.testing.assert_allclose(layer(*inputs, "tanh").asnumpy(), np.tanh(before), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [20, 100, 500])
def test_threads_change_nothing(rows, rng):
    inputs, found, most = drawn(rng, rows, 300, 200), [], threads()
    head = mx.nd.array(rng.standard_normal((rows, 200)))
    for tensor in inputs:
        tensor.attach_grad()
    try:
        for count in (1, 2, 3, 4):
            OPENMP.omp_set_num_threads(count)
            with mx.autograd.record():
                y = layer(*inputs, "tanh")
            y.backward(head)
            found.append([y.asnumpy(), *(tensor.grad.asnumpy() for tensor in inputs)])
    finally:
        OPENMP.omp_set_num_threads(most)
    for other in found[1:]:
        for got, want in zip(other, found[0]):
            np.testing.assert_array_equal(got, want)


def test_nan_and_infinity_are_passed_on(rng):
    x, weight, bias = drawn(rng, 4, 8, 3)
    x[0, 0] = np.nan
    x[1, 0] = np.inf
    # the lower half of this NaN would be rounded up to the sign
    x[2] = mx.nd.array(np.full(8, 0x7FFFFFFF, np.uint32).view(np.float32))
    y = layer(x, weight, bias).asnumpy()
    assert np.isnan(y[[0, 2]]).all()
    assert np.isinf(y[1]).all()
    assert np.isfinite(y[3]).all()
