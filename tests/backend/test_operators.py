"""Sums and log-sum-exps against NumPy and scipy."""

import numpy as np
import pytest
import scipy.special

from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, Wrapped, nd, set_mode


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7)])
def test_sum_last_is_numpys(shape, rng):
    x = rng.standard_normal(shape)
    np.testing.assert_allclose(np.squeeze(ops.sum_last(nd(x, "float64")).asnumpy()), x.sum(-1), rtol=1e-12)


def test_log_mean_exp_has_no_subnormal_gradients():
    """exp(-95) is subnormal in float32; the term counts for nothing beside exp(0)."""
    x = nd([[0.0], [-95.0], [-1.0]])
    x.attach_grad()
    with mx.autograd.record():
        ops.log_mean_exp(x).backward()
    expected = scipy.special.softmax([0, -95, -1])
    np.testing.assert_allclose(x.grad.asnumpy()[:, 0], expected, rtol=1e-6, atol=1e-30)
    assert x.grad.asnumpy()[1, 0] == 0


def test_log_mean_exp_is_scipys(rng):
    x = np.concatenate([100 * rng.standard_normal((5, 3)), [[900, -900, 0]]])
    expected = scipy.special.logsumexp(x, axis=0) - np.log(len(x))
    np.testing.assert_allclose(ops.log_mean_exp(nd(x)).asnumpy(), expected, rtol=1e-6)


def test_log_sum_exp_is_scipys(rng):
    x = np.concatenate([100 * rng.standard_normal((5, 3)), [[900, -900, 0]]])
    for axis in (0, 1, -1):
        got = ops.log_sum_exp(nd(x), axis).asnumpy()
        np.testing.assert_allclose(got, scipy.special.logsumexp(x, axis=axis), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [-1, -2])
def test_log_softmax_is_scipys_to_rounding(axis, mode, rng):
    """Values and gradients; of equal logits, and of those at ±200, too."""
    block = Wrapped(lambda x: ops.log_softmax(x, axis))
    set_mode(block, mode)
    extreme = np.tile([[200.0, -200, 0, 200, -200, 0, 0, 3, 3, 3]], (10, 1))
    for rows in (3 * rng.standard_normal((300, 10)), 200 + rng.standard_normal((7, 10)), np.zeros((1, 10)), extreme):
        x = rows if axis == -1 else rows.T
        given, weights = nd(x), rng.standard_normal(x.shape)
        given.attach_grad()
        with mx.autograd.record():
            got = block(given)
        got.backward(nd(weights))
        want = scipy.special.log_softmax(given.asnumpy().astype(np.float64), axis=axis)
        slope = weights - np.exp(want) * weights.sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(got.asnumpy(), want, rtol=3e-7, atol=3e-7)
        np.testing.assert_allclose(given.grad.asnumpy(), slope, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("categories", [2, 10, 256])
def test_log_softmax_has_no_bias(categories, rng):
    """Errors that are the same in all of 784 variables would add up: MXNet's own are 1e-6 to 3e-6 each."""
    for x in (np.zeros((1, categories)), 3 * rng.standard_normal((5000, categories))):
        sums = np.exp(ops.log_softmax(nd(x)).asnumpy().astype(np.float64)).sum(axis=-1)
        assert abs(np.mean(sums) - 1) < 1e-7
