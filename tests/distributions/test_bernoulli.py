"""Bernoulli distributions: log masses and gradients against scipy, draws and the mode."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd

LOGITS = {
    "ordinary": lambda rng: 5 * rng.standard_normal((50, 784)),
    "confident": lambda rng: rng.uniform(-30, -13, (50, 784)) * rng.choice([-1, 1], (50, 784)),
    "extreme": lambda rng: rng.choice([-200.0, 0, 200], (50, 784)),
}


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("truth", ["drawn", "mode"])
@pytest.mark.parametrize("kind", LOGITS)
def test_bernoulli_log_prob_is_scipys(kind, truth, dtype, rng):
    logits = LOGITS[kind](rng).astype(dtype).astype(np.float64)
    x = rng.integers(0, 2, logits.shape) if truth == "drawn" else logits > 0
    log_prob = gv.Bernoulli(nd(logits, dtype)).log_prob(nd(x, dtype)).asnumpy()
    # scipy takes a probability, which rounds to 1 above a logit of 37: give it the smaller one
    expected = scipy.stats.bernoulli.logpmf(np.where(logits > 0, 1 - x, x), scipy.special.expit(-abs(logits))).sum(-1)
    # a rounding for each pixel; in float64, where MXNet's softrelu cuts off above 20, that
    rtol, atol = (1e-6, 784 * 2.0**-23) if dtype == "float32" else (1e-12, 784 * np.exp(-20))
    np.testing.assert_allclose(log_prob, expected, rtol=rtol, atol=atol)
    assert (log_prob <= 0).all()


def test_bernoulli_is_the_tutorials_softmax_over_two(rng):
    pairs, x = 4 * rng.standard_normal((7, 784, 2)), rng.integers(0, 2, (7, 784))
    two_way = np.take_along_axis(scipy.special.log_softmax(pairs, axis=-1), x[..., None], -1)[..., 0].sum(-1)
    log_prob = gv.Bernoulli(nd(pairs[..., 1] - pairs[..., 0])).log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, two_way, rtol=1e-6)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bernoulli_gradient_is_x_minus_p_also_at_zero(dtype):
    logits = nd([[-200, -20, -1, 0, 0, 1, 20, 200]], dtype)
    x = nd([[0, 1, 0, 0, 1, 1, 0, 1]], dtype)
    logits.attach_grad()
    with mx.autograd.record():
        gv.Bernoulli(logits).log_prob(x).backward()
    expected = x.asnumpy() - scipy.special.expit(logits.asnumpy())
    np.testing.assert_allclose(logits.grad.asnumpy(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(logits.grad.asnumpy()[0, 3:5], [-0.5, 0.5])


def test_bernoulli_draws_have_the_mean(rng):
    logits = np.array([-3.0, -0.5, 0, 2])
    draws = gv.Bernoulli(nd(np.tile(logits, (20_000, 1)))).sample().asnumpy()
    assert set(np.unique(draws)) == {0, 1}
    for column, p in enumerate(scipy.special.expit(logits)):
        assert scipy.stats.binomtest(int(draws[:, column].sum()), len(draws), p).pvalue > 1e-3


def test_bernoulli_mode_is_the_likelier_value():
    np.testing.assert_array_equal(gv.Bernoulli(nd([[-2, -0.1, 0.1, 3]])).mode.asnumpy(), [[0, 0, 1, 1]])
