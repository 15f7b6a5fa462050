"""Each program against float64 NumPy: values, gradients, requests, sizes, numbers of threads, and NaN."""

import numpy as np
import pytest

from gluonvae.backend import compiled
from gluonvae.backend.installation import threads
from gluonvae.backend.regions import availability
from gluonvae.backend.runtime import OPENMP, mx
from tests.helpers import MODES, set_mode

from .reference import CASES

pytestmark = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)

DTYPES = [(np.float32, 3e-6), (np.float64, 1e-12)]


class Block(mx.gluon.HybridBlock):
    def __init__(self, case):
        super().__init__()
        self.case = case

    def hybrid_forward(self, F, *inputs):
        outputs = self.case.call(*inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


@pytest.fixture
def team():
    """Set the number of threads."""
    before = threads()
    yield OPENMP.omp_set_num_threads
    OPENMP.omp_set_num_threads(before)


def tensors(case, rng, rows, dtype=np.float32):
    return [mx.nd.array(x, dtype=dtype) for x in case.draw(rng, rows)]


def outputs_and_gradients(block, inputs, weights=None, requests="write"):
    """Outputs and gradients as NumPy arrays; the weights of the sum that is differentiated are drawn where left out."""
    for i, x in enumerate(inputs):
        x.attach_grad(requests if isinstance(requests, str) else requests[i])
    with mx.autograd.record():
        outputs = block(*inputs)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    if weights is None:
        drawn = np.random.default_rng(3)
        weights = [mx.nd.array(drawn.standard_normal(x.shape), dtype=x.dtype) for x in outputs]
    mx.autograd.backward(list(outputs), weights)
    return [x.asnumpy() for x in outputs], [x.grad.asnumpy() for x in inputs if x.grad is not None], weights


def expected(case, inputs, weights):
    values, gradients = case.reference(*(x.asnumpy().astype(np.float64) for x in inputs))
    return values, gradients(*(w.asnumpy().astype(np.float64) for w in weights))


def assert_close(found, wanted, rtol, terms=1e-30):
    """Relative to the largest number of a tensor, as each is a sum of many, or to the size of the terms of the sums."""
    assert len(found) == len(wanted)
    for x, y in zip(found, wanted):
        np.testing.assert_allclose(x, y, rtol=0, atol=rtol * max(abs(y).max(), terms))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), DTYPES, ids=["float32", "float64"])
def test_values_and_gradients(case, mode, dtype, rtol, rng, team):
    if case.name.startswith(("dense", "convolutions")) and dtype == np.float64:
        pytest.skip("layers in float64 are MXNet's own")
    block = Block(case)
    set_mode(block, mode)
    sizes = ((1, 2), (20, 1), (33, 3), (150, 2), (33, 3)) if mode == "static_shape" else ((1, 2), (150, 3), (1, 2))
    for rows, most in sizes:
        team(most)
        inputs = tensors(case, rng, rows, dtype)
        values, gradients, weights = outputs_and_gradients(block, inputs)
        wanted = expected(case, inputs, weights)
        # sums over all pixels may cancel, and are as large as their terms are where chance adds these up
        terms = np.sqrt(weights[0].size) if case.name.startswith("convolutions") else 1e-30
        assert_close(values, wanted[0], rtol)
        assert_close(gradients, wanted[1], rtol, terms)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_added_or_left_out_where_asked(case, mode, rng):
    block, inputs = Block(case), tensors(case, rng, 20)
    set_mode(block, mode)
    _, written, weights = outputs_and_gradients(block, inputs)
    for left_out in range(len(inputs)):
        requests = ["null" if i == left_out else "add" for i in range(len(inputs))]
        if set(requests) == {"null"}:
            continue
        for x, request in zip(inputs, requests):
            x.attach_grad(request)
        for _ in range(2):
            with mx.autograd.record():
                outputs = block(*inputs)
            mx.autograd.backward(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs], weights)
        for i, x in enumerate(inputs):
            if i != left_out:
                np.testing.assert_allclose(
                    x.grad.asnumpy(), 2 * written[i], rtol=1e-5, atol=1e-5 * abs(written[i]).max()
                )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_number_of_threads_changes_no_bit(case, rng, team):
    block = Block(case)
    for rows in (1, 15, 16, 33, 127, 128, 300):
        inputs = tensors(case, rng, rows)
        results = []
        for most in (1, 2, 3, 4):
            team(most)
            values, gradients, _ = outputs_and_gradients(block, inputs)
            results.append([*values, *gradients])
        for other in results[1:]:
            for x, y in zip(results[0], other):
                np.testing.assert_array_equal(x, y)


# in wide layers the rounding of a product of inputs of 200 is as large as what tanh tells apart
@pytest.mark.parametrize("case", [case for case in CASES if "784" not in case.name and "147" not in case.name], ids=str)
def test_large_inputs_have_finite_values_and_gradients(case, rng):
    inputs = tensors(case, rng, 20)
    inputs[0][:] = mx.nd.array(rng.choice([-200.0, 200.0, 0.0], inputs[0].shape))
    values, gradients, weights = outputs_and_gradients(Block(case), inputs)
    wanted = expected(case, inputs, weights)
    assert_close(values, wanted[0], 3e-6, terms=10)
    # where an activation is flat its derivative is off by a rounding of 1, which meets inputs of 200
    assert_close(gradients, wanted[1], 3e-6, terms=200)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in ("log_mean_exp", "repeat", "fill")], ids=str
)
def test_a_nan_is_passed_on(case, rng):
    inputs = tensors(case, rng, 40)
    first = inputs[0].asnumpy()
    first[(3, ..., 0) if case.name.startswith("convolutions") else (..., 3, 0)] = np.nan
    inputs[0][:] = mx.nd.array(first)
    values, gradients, _ = outputs_and_gradients(Block(case), inputs)
    for x in values:
        if "draw and log_prob" in case.name and x is values[1]:
            continue  # the log density of a draw is a function of its noise, and not of the mean
        rows = 0 if case.name.startswith("convolutions") else -1 if x.shape[-1] == 40 else -2
        assert np.isnan(np.take(x, 3, rows)).any()
        assert np.isfinite(np.delete(x, 3, rows)).all()
    if case.name.startswith(("dense", "convolutions")):
        assert np.isnan(gradients[1]).any()


def test_a_mean_of_exponentials_of_what_is_not_finite():
    inf, nan = np.inf, np.nan
    x = mx.nd.array([[0, nan, -inf, 1], [1, 0, 0, 1], [0, 1, -inf, inf]])
    found = compiled.log_mean_exp(x).asnumpy()
    np.testing.assert_allclose(found[:3], [np.log((2 + np.e) / 3), nan, -np.log(3)], rtol=1e-6)
    assert not np.isfinite(found[3])


def test_outside_of_a_training_step_no_hidden_layer_is_kept(rng):
    case = CASES[0]
    block, inputs = Block(case), tensors(case, rng, 300)
    recorded, _, _ = outputs_and_gradients(block, inputs)
    block.hybridize(static_alloc=True)
    for _ in range(2):
        np.testing.assert_array_equal(block(*inputs).asnumpy(), recorded[0])


def test_what_does_not_fit_is_an_error():
    zeros = mx.nd.zeros
    for shapes in ([(3, 4), (3, 4), (4, 4)], [(3, 4), (3, 5), (3, 4)], [(3, 4), (3, 4), (3, 5)]):
        with pytest.raises(mx.base.MXNetError):
            compiled.normal_draw_and_kl(*map(zeros, shapes))
    with pytest.raises(mx.base.MXNetError):
        compiled.dense(zeros((3, 4)), [compiled.Layer(zeros((5, 3)), zeros(5), 5, "tanh")])
    with pytest.raises(mx.base.MXNetError):
        compiled.dense(zeros((3, 4)), [compiled.Layer(zeros((5, 4)), zeros(5), 5, "unknown")])
