"""Normal distributions: densities against scipy, draws and their gradients."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd


def test_normal_log_prob_is_scipys(rng):
    mean, std, x = rng.standard_normal((7, 5)), rng.uniform(0.1, 3, (7, 5)), rng.standard_normal((3, 7, 5))
    log_prob = gv.Normal(nd(mean), nd(std)).log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(x, mean, std).sum(-1), rtol=1e-5)
    log_prob = gv.StandardNormal().log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(x).sum(-1), rtol=1e-5)


def test_normal_rsample_follows_the_density(rng):
    mean, std = np.array([-1.0, 0, 2]), np.array([0.1, 1, 4])
    draws = gv.Normal(nd(mean), nd(std)).rsample(nd(rng.standard_normal((20_000, 3)))).asnumpy()
    for column in range(3):
        assert scipy.stats.kstest(draws[:, column], "norm", (mean[column], std[column])).pvalue > 1e-3


def test_normal_rsample_carries_the_gradient_mxnets_sampler_drops(rng):
    mean, std, noise = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3))), nd(rng.standard_normal((4, 3)))
    for tensor in (mean, std):
        tensor.attach_grad()
    with mx.autograd.record():
        gv.Normal(mean, std).rsample(noise).backward()
    np.testing.assert_allclose(mean.grad.asnumpy(), 1)
    np.testing.assert_allclose(std.grad.asnumpy(), noise.asnumpy(), rtol=1e-6)


def test_sample_and_score_together_is_sample_then_score(rng):
    mean, std = nd(rng.standard_normal((4, 3)), "float64"), nd(rng.uniform(0.1, 2, (4, 3)), "float64")
    noise = nd(rng.standard_normal((5, 4, 3)), "float64")

    def value_and_gradients(score):
        for tensor in (mean, std):
            tensor.attach_grad()
        with mx.autograd.record():
            z, log_prob = score(gv.Normal(mean, std))
            (z.square().sum(axis=-1) + 2 * log_prob).backward()
        return [x.asnumpy() for x in (z, log_prob, mean.grad, std.grad)]

    together = value_and_gradients(lambda q: q.rsample_and_log_prob(noise))
    apart = value_and_gradients(lambda q: (q.rsample(noise), q.log_prob(q.rsample(noise))))
    for one, two in zip(together, apart):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-10)


def test_sample_stops_the_gradient(rng):
    mean, std = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3)))
    mean.attach_grad()
    with mx.autograd.record():
        (gv.Normal(mean, std).sample() + mean).backward()
    np.testing.assert_array_equal(mean.grad.asnumpy(), 1)


def test_component_densities_sum_to_the_whole(rng):
    mean, std, value = rng.standard_normal((7, 3)), rng.uniform(0.2, 3, (7, 3)), rng.standard_normal((5, 7, 3))
    got = gv.Normal(nd(mean), nd(std)).component_log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(got, scipy.stats.norm.logpdf(value, mean, std), rtol=1e-4, atol=1e-5)
    got = gv.StandardNormal().component_log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(got, scipy.stats.norm.logpdf(value), rtol=1e-5)
