"""The same values and gradients imperatively and hybridised: what tests of both modes are made of."""

import numpy as np
import pytest
from conftest import BATCHES, MODES, nd, pixels, set_mode

from gluonvae.backend.runtime import mx


class Wrapped(mx.gluon.HybridBlock):
    """A function of tensors as a block."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def hybrid_forward(self, F, *tensors):
        return self.function(*tensors)


def value_and_gradients(block, tensors, weights_of=lambda shape: 1.0):
    """The output, and the gradients of its weighted sum for the inputs and the parameters."""
    for tensor in tensors:
        tensor.attach_grad()
    # batch norm's running statistics have no gradient
    parameters = [parameter for parameter in block.collect_params().values() if parameter.grad_req != "null"]
    with mx.autograd.record():
        output = block(*tensors)
        (output * weights_of(output.shape)).backward()
    return [
        output.asnumpy(),
        *(tensor.grad.asnumpy() for tensor in tensors),
        *(parameter.grad().asnumpy() for parameter in parameters),
    ]


def weighting(shape):
    """Different weights for different outputs, so that gradients of one do not stand for another's."""
    return nd(np.linspace(0.5, 2, int(np.prod(shape))).reshape(shape))


def assert_same(actual, expected):
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5, atol=1e-6)
    for got, want in zip(actual[1:], expected[1:]):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def assert_function_agrees(function, arrays):
    """A function of tensors, with what ``arrays(rng, B)`` gives, in every mode and for several batch sizes."""
    block = Wrapped(function)
    for mode in MODES:
        set_mode(block, mode)
        for batch in (*BATCHES, BATCHES[1]):
            tensors = [nd(array) for array in arrays(np.random.default_rng(batch), batch)]
            actual = value_and_gradients(block, tensors, weighting)
            assert all(np.isfinite(array).all() for array in actual)
            for tensor in tensors:
                tensor.attach_grad()
            with mx.autograd.record():
                output = function(*tensors)
                (output * weighting(output.shape)).backward()
            assert_same(actual, [output.asnumpy(), *(tensor.grad.asnumpy() for tensor in tensors)])


def assert_modes_agree(bound, rng, data=pixels):
    """A bound over a model, with data from ``data(rng, B)``, in every mode and for several batch sizes."""
    batches = [
        (data(rng, batch), nd(rng.standard_normal(bound.noise_shape(batch)))) for batch in (*BATCHES, BATCHES[1])
    ]
    expected = [value_and_gradients(bound, batch, weighting) for batch in batches]
    # back to imperative in the end: switching leaves nothing behind
    for mode in [*MODES, "imperative"]:
        set_mode(bound, mode)
        for batch, want in zip(batches, expected):
            assert_same(value_and_gradients(bound, batch, weighting), want)


def assert_modes_agree_in_float64(block, batches):
    """A float64 block, called with each of ``batches``, in every mode. Here gradients that are added up in
    another order agree to many digits, also where they cancel."""

    def results(tensors):
        return value_and_gradients(block, tensors, lambda shape: weighting(shape).astype("float64"))

    expected = [results(tensors) for tensors in batches]
    for mode in [*MODES, "imperative"]:
        set_mode(block, mode)
        for tensors, wanted in zip(batches, expected):
            for got, want in zip(results(tensors), wanted):
                np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * abs(want).max())


def assert_slope_along_a_direction(bound, parameters, tensors, rng):
    """The gradient of a float64 bound in its parameters, along a random direction in all of them, by central
    differences."""
    with mx.autograd.record():
        bound(*tensors).backward()
    here = [parameter.data().asnumpy() for parameter in parameters]
    direction = [rng.standard_normal(values.shape) for values in here]
    slope = sum((p.grad().asnumpy() * along).sum() for p, along in zip(parameters, direction))
    sides = []
    for step in (1e-6, -1e-6):
        for parameter, values, along in zip(parameters, here, direction):
            parameter.set_data(nd(values + step * along, "float64"))
        sides.append(bound(*tensors).sum().asscalar())
    assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(slope, rel=1e-6)
