"""Sums and log-sum-exps against NumPy and scipy."""

import numpy as np
import pytest
import scipy.special

from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from tests.helpers import nd


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
