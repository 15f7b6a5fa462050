"""The same values and gradients imperatively and hybridised: what tests of both modes are made of."""

import numpy as np

from gluonvae.backend.runtime import mx
from gluonvae.backend.structures import leaves
from tests.helpers.gradients import learned
from tests.helpers.tensors import nd, noise_for, pixels

MODES = {
    "imperative": None,
    "hybrid": {},
    "static_alloc": {"static_alloc": True},
    "static_shape": {"static_alloc": True, "static_shape": True},
}
BATCHES = (1, 7, 64)


def rounds(batches):
    """Each of MODES with some of the batches, and all of them in the mode of trainings, which keeps what it has planned
    for a size. Back to imperative in the end: switching leaves nothing behind."""
    half = len(batches) // 2
    some = {"imperative": batches[:1], "hybrid": batches[:half], "static_alloc": batches[half:]}
    return [*((mode, some.get(mode, batches)) for mode in MODES), ("imperative", batches[half - 1 : half])]


def set_mode(block, mode):
    """Switch ``block`` to one of MODES."""
    flags = MODES[mode]
    if flags is None:
        block.hybridize(False)
    else:
        block.hybridize(**flags)


class Wrapped(mx.gluon.HybridBlock):
    """A function of tensors as a block, which may compute with the parameters of another."""

    def __init__(self, function, of=None):
        super().__init__()
        self.function = function
        if of is not None:
            self.params.update(of.collect_params())

    def hybrid_forward(self, F, *tensors):
        return self.function(*tensors)


def value_and_gradients(block, tensors, weights_of=lambda shape: 1.0):
    """The output, and the gradients of its weighted sum for the inputs and the parameters."""
    inputs = leaves(tuple(tensors))
    for tensor in inputs:
        tensor.attach_grad()
    parameters = learned(block)
    with mx.autograd.record():
        output = block(*tensors)
        (output * weights_of(output.shape)).backward()
    return [
        output.asnumpy(),
        *(tensor.grad.asnumpy() for tensor in inputs),
        *(parameter.grad().asnumpy() for parameter in parameters),
    ]


def weighting(shape):
    """Different weights for different outputs, so that gradients of one do not stand for another's."""
    return nd(np.linspace(0.5, 2, int(np.prod(shape))).reshape(shape))


def assert_same(actual, expected):
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5, atol=1e-6)
    for got, want in zip(actual[1:], expected[1:]):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def assert_function_agrees(function, arrays, of=None):
    """A function of tensors, with what ``arrays(rng, B)`` gives, in every mode and for several batch sizes; ``of`` is a
    block with whose parameters it computes."""
    block = Wrapped(function, of)
    for mode, batches in rounds((*BATCHES, BATCHES[1])):
        set_mode(block, mode)
        for batch in batches:
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
    batches = [(data(rng, batch), noise_for(rng, bound, batch)) for batch in (*BATCHES, BATCHES[1])]
    expected = [(batch, value_and_gradients(bound, batch, weighting)) for batch in batches]
    for mode, some in rounds(expected):
        set_mode(bound, mode)
        for batch, want in some:
            assert_same(value_and_gradients(bound, batch, weighting), want)


def assert_modes_agree_in_float64(block, batches):
    """A float64 block, called with each of ``batches``, in every mode. Here gradients that are added up in
    another order agree to many digits, also where they cancel."""

    def results(tensors):
        return value_and_gradients(block, tensors, lambda shape: weighting(shape).astype("float64"))

    expected = [(tensors, results(tensors)) for tensors in batches]
    for mode, some in rounds(expected):
        set_mode(block, mode)
        for tensors, wanted in some:
            for got, want in zip(results(tensors), wanted):
                np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * abs(want).max())
