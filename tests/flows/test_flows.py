"""Every flow of the table: inverses, log-determinants against numerical Jacobians, both modes, extremes."""

import numpy as np
import pytest
import scipy.special

from tests.helpers import BATCHES, assert_modes_agree_in_float64, nd, value_and_gradients
from tests.tables.flows import FLOWS, B, BothWays, D, K, contexts, jacobians, randomised, with_and_without_context

every_flow = pytest.mark.parametrize("name", FLOWS)


@with_and_without_context
@every_flow
def test_inverse_undoes_the_map_and_has_its_log_determinant(name, context_size, rng):
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = nd(2 * rng.standard_normal((K, B, D)), "float64")
    there, log_det = flow(z, *context)
    assert there.shape == (K, B, D)
    assert log_det.shape == (K, B)
    again, log_det_again = flow.inverse(there, *context)
    np.testing.assert_allclose(again.asnumpy(), z.asnumpy(), atol=1e-9)
    np.testing.assert_allclose(log_det_again.asnumpy(), log_det.asnumpy(), atol=1e-9)
    back, log_det_back = flow.inverse(z, *context)
    again, log_det_again = flow(back, *context)
    np.testing.assert_allclose(again.asnumpy(), z.asnumpy(), atol=1e-9)
    np.testing.assert_allclose(log_det_again.asnumpy(), log_det_back.asnumpy(), atol=1e-9)


@with_and_without_context
@every_flow
def test_log_determinant_is_that_of_the_numerical_jacobian(name, context_size, rng):
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = 2 * rng.standard_normal((K, B, D))
    _, expected = np.linalg.slogdet(jacobians(flow, z, context))
    log_det = flow(nd(z, "float64"), *context)[1].asnumpy()
    np.testing.assert_allclose(log_det, expected, rtol=1e-6, atol=1e-6)
    if "householder" not in name:
        assert abs(expected).max() > 0.01


@with_and_without_context
@every_flow
def test_gradients_there_and_back_are_those_of_finite_differences(name, context_size, rng):
    block = BothWays(randomised(FLOWS[name](D, context_size), rng))
    tensors = [nd(rng.standard_normal((2, B, D)), "float64"), *contexts(rng, B, context_size)]
    weights = nd(rng.standard_normal((2, B, 2 * D + 2)), "float64")
    parameters = list(block.collect_params().values())
    _, *found = value_and_gradients(block, tensors, lambda shape: weights)
    read = [lambda x=x: x for x in tensors] + [parameter.data for parameter in parameters]
    step = 1e-5
    for values, gradient in zip(read, found):
        array = values()
        start = array.asnumpy()
        for place in {tuple(rng.integers(0, size) for size in start.shape) for _ in range(4)}:
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * step
                array[:] = nd(moved, "float64")
                ends.append(float((block(*tensors) * weights).sum().asscalar()))
            array[:] = nd(start, "float64")
            difference = (ends[0] - ends[1]) / (2 * step)
            assert gradient[place] == pytest.approx(difference, rel=1e-5, abs=1e-6)


@with_and_without_context
@every_flow
def test_both_modes(name, context_size, rng):
    block = BothWays(randomised(FLOWS[name](D, context_size), rng))
    batches = [
        [nd(rng.standard_normal((2, batch, D)), "float64"), *contexts(rng, batch, context_size)]
        for batch in (*BATCHES, BATCHES[1])
    ]
    assert_modes_agree_in_float64(block, batches)


@pytest.mark.parametrize("extreme", [20.0, 200.0])
@with_and_without_context
@every_flow
def test_everything_is_finite_at_extreme_preactivations(name, context_size, extreme, rng):
    """Weights of 0 leave the biases, or the parameters of a flow's own, as what the layers give."""
    flow = FLOWS[name](D, context_size)
    flow.initialize()
    block = BothWays(flow)
    for signs in (np.ones, np.negative(np.ones(1)).repeat, lambda shape: rng.choice([-1, 1], shape)):
        for key, parameter in flow.collect_params().items():
            value = 0 * np.ones(parameter.shape) if key.endswith("weight") else extreme * signs(parameter.shape)
            parameter.set_data(nd(value))
        z = nd(np.concatenate([rng.standard_normal((2, B, D)), np.full((1, B, D), extreme), np.zeros((1, B, D))]))
        results = value_and_gradients(block, [z, *contexts(rng, B, context_size, "float32")])
        assert all(np.isfinite(array).all() for array in results)


@with_and_without_context
@pytest.mark.parametrize("name", [name for name in FLOWS if "householder" not in name])
def test_it_starts_near_the_identity(name, context_size, rng):
    flow = FLOWS[name](D, context_size)
    flow.initialize()
    z = rng.standard_normal((K, B, D))
    there = flow(nd(z), *contexts(rng, B, context_size, "float32"))[0].asnumpy()
    # an autoregressive step's gates are at sigmoid(2)
    expected = scipy.special.expit(2) * z if "autoregressive" in name else z
    assert abs(there - expected).max() < 0.25


@with_and_without_context
@every_flow
def test_a_context_is_that_of_each_data_point(name, context_size, rng):
    """Each row is mapped as by itself; without a context all are mapped alike."""
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = nd(rng.standard_normal((K, B, D)), "float64")
    for way in (flow, flow.inverse):
        together = way(z, *context)[0].asnumpy()
        for row in range(B):
            alone = way(z[1, row : row + 1], *(x[row : row + 1] for x in context))[0].asnumpy()
            np.testing.assert_allclose(alone[0], together[1, row], atol=1e-9)
