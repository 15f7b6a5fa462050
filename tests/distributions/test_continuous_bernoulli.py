"""Continuous Bernoullis around one half, and their draws."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_continuous_bernoulli_at_one_half_and_around(dtype):
    """λ = 0.5 is the uniform density; on both sides of the series' end value, gradient and mean are quadrature's."""
    logits = np.array([0, 1e-30, 1e-8, -1e-4, 0.01, -0.3, 0.9999999, 1, -1, 1.0000001, 2, -5]).astype(dtype)
    exact = logits.astype("float64")
    nodes, weights = np.polynomial.legendre.leggauss(40)
    x, weights = (nodes + 1) / 2, weights / 2
    tilted = np.exp(exact[:, None] * x)
    normaliser = tilted @ weights
    mean = (tilted * x) @ weights / normaliser
    tensor = nd(logits[:, None], dtype)
    tensor.attach_grad()
    with mx.autograd.record():
        p_x = gv.ContinuousBernoulli(tensor)
        log_prob = p_x.log_prob(nd([[0.25]], dtype))
    log_prob.backward()
    tolerance = {"float32": 5e-7, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(log_prob.asnumpy(), 0.25 * exact - np.log(normaliser), atol=tolerance)
    np.testing.assert_allclose(tensor.grad.asnumpy()[:, 0], 0.25 - mean, atol=tolerance)
    np.testing.assert_allclose(p_x.mean.asnumpy()[:, 0], mean, atol=tolerance)


def test_continuous_bernoulli_draws_are_quantiles():
    logits, noise = np.array([[-200, -20, -2, -0.01, 0.01, 2, 20, 200]]), np.linspace(0.01, 0.99, 50)[:, None]
    draws = gv.ContinuousBernoulli(nd(logits)).sample(nd(noise)).asnumpy()
    cumulative = np.expm1(logits * draws) / np.expm1(logits)
    np.testing.assert_allclose(cumulative, np.broadcast_to(noise, cumulative.shape), atol=2e-5)
