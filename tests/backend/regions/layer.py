"""One dense layer, computed in a region and by float64 NumPy."""

import numpy as np

from gluonvae.backend import compiled
from gluonvae.backend.installation import threads
from gluonvae.backend.runtime import OPENMP, mx


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


def drawn(rng, share, rows, width, units):
    """Data of which a share is not 0, a weight, and what the outputs are weighted by."""
    x = rng.standard_normal((rows, width)) * (rng.random((rows, width)) < share)
    return x, rng.standard_normal((units, width)), rng.standard_normal((rows, units))


def assert_right(x, weight, head, request="write"):
    y, *gradients = expected(x, weight, head)
    wanted = [y, *(gradient + (request == "add") for gradient in gradients)]
    for got, want in zip(outputs_and_gradients(x, weight, head, request), wanted):
        np.testing.assert_allclose(got, want, rtol=0, atol=3e-6 * max(abs(want).max(), 1))


def assert_the_same_for_any_number_of_threads(given):
    found, most = [], threads()
    try:
        for count in (1, 2, 3, 5):
            OPENMP.omp_set_num_threads(count)
            found.append(outputs_and_gradients(*given))
    finally:
        OPENMP.omp_set_num_threads(most)
    for other in found[1:]:
        for one, same in zip(found[0], other):
            np.testing.assert_array_equal(one, same)
