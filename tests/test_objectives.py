"""Bounds against float64 NumPy, and the weight β."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from conftest import nd, pixels, set_mode, small_vae

import gluonvae as gv
from gluonvae.backend.runtime import mx


def log_weights(vae, data, noise):
    """log p(x | z), log p(z) and log q(z | x) in float64, from the parameters of the two networks."""
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    z = mean + std * noise.asnumpy().astype(np.float64)
    logits = vae.generator(nd(z)).asnumpy().astype(np.float64)
    return (
        scipy.stats.bernoulli.logpmf(data.asnumpy(), scipy.special.expit(logits)).sum(-1),
        scipy.stats.norm.logpdf(z).sum(-1),
        scipy.stats.norm.logpdf(z, mean, std).sum(-1),
    )


@pytest.mark.parametrize("samples", [1, 2, 50])
@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_iwae(samples, mode, rng):
    vae = small_vae()
    bound = gv.IWAE(vae, samples=samples)
    set_mode(bound, mode)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((samples, 7, 4)))
    log_likelihood, log_prior, log_posterior = log_weights(vae, data, noise)
    terms = bound.terms(data, noise if samples > 1 else noise[0])
    expected = scipy.special.logsumexp(log_likelihood + log_prior - log_posterior, axis=0) - np.log(samples)
    np.testing.assert_allclose(terms.bound.asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(terms.objective.asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(terms.log_likelihood.asnumpy(), log_likelihood.mean(0), rtol=1e-5)
    np.testing.assert_allclose(terms.kl.asnumpy(), (log_posterior - log_prior).mean(0), rtol=1e-4, atol=1e-5)


def test_iwae_gradient_weighs_each_sample_by_its_importance(rng):
    """Equation 13 of the IWAE paper: the gradient is the sum of those of the log weights, each
    times its normalised weight."""
    vae = small_vae()
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=6)
    data, noise = nd(rng.integers(0, 2, (1, 12)), "float64"), nd(3 * rng.standard_normal((6, 1, 4)), "float64")
    parameters = list(vae.collect_params().values())

    def gradients(compute):
        with mx.autograd.record():
            value = compute()
        value.backward()
        return [parameter.grad().asnumpy() for parameter in parameters]

    weights = scipy.special.softmax([float(sum(vae.log_weight(data, noise[i])).asscalar()) for i in range(6)])
    assert weights.max() < 0.99
    single = [gradients(lambda i=i: sum(vae.log_weight(data, noise[i]))) for i in range(6)]
    together = gradients(lambda: bound(data, noise))
    for index, gradient in enumerate(together):
        expected = sum(weight * one[index] for weight, one in zip(weights, single))
        np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("samples", [1, 3])
def test_elbo(samples, rng):
    vae = small_vae()
    data, noise = pixels(rng, 7), nd(rng.standard_normal((samples, 7, 4)))
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    kl = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(-1)
    log_likelihood = log_weights(vae, data, noise)[0].mean(0)
    terms = gv.ELBO(vae, beta=4, samples=samples).terms(data, noise if samples > 1 else noise[0])
    np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - 4 * kl, rtol=1e-5)
    np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl, rtol=1e-5)
    np.testing.assert_allclose(terms.log_likelihood.asnumpy(), log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(terms.kl.asnumpy(), kl, rtol=1e-4)


def test_bounds_rise_with_samples(rng):
    vae, data = small_vae(), pixels(rng, 2000)
    for parameter in vae.collect_params().values():
        parameter.set_data(parameter.data() * 3)
    means = [float(bound(data).mean().asscalar()) for bound in (gv.ELBO(vae), gv.IWAE(vae, 5), gv.IWAE(vae, 100))]
    assert means[0] + 0.01 < means[1]
    assert means[1] + 0.01 < means[2]


@pytest.mark.parametrize("mode", ["imperative", "hybrid", "static_shape"])
def test_beta_changes_without_a_new_trace(mode, rng):
    bound = gv.ELBO(small_vae(), beta=1)
    set_mode(bound, mode)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    terms = bound.terms(data, noise)
    graph = bound._cached_op
    for beta in (0, 0.25, 5):
        bound.beta = beta
        expected = (terms.log_likelihood - beta * terms.kl).asnumpy()
        np.testing.assert_allclose(bound(data, noise).asnumpy(), expected, rtol=1e-6)
        np.testing.assert_array_equal(bound.terms(data, noise).bound.asnumpy(), terms.bound.asnumpy())
    assert bound._cached_op is graph


class Weighted(gv.ELBO):
    share = gv.objectives.base.Weight(0.25, 1)
    least = gv.objectives.base.Weight(2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("beta", -1e-9, "beta must be a finite number, not negative, got -1e-09"),
        ("share", 0.2, "share must be a finite number from 0.25 to 1, got 0.2"),
        ("share", 1.1, "share must be a finite number from 0.25 to 1, got 1.1"),
        ("least", 1, "least must be a finite number, at least 2, got 1"),
        ("least", np.inf, "least must be a finite number, at least 2, got inf"),
    ],
)
def test_weights_keep_within_their_range(name, value, message):
    bound = Weighted(small_vae())
    assert bound.weight_names == ["beta", "share", "least"]
    bound.share, bound.least = 0.25, 2
    with pytest.raises(ValueError, match=message):
        setattr(bound, name, value)


def test_schedules():
    linear = gv.schedules.linear(0, 1, 11)
    np.testing.assert_allclose([linear(step) for step in (0, 5, 10, 11, 1000)], [0, 0.5, 1, 1, 1])
    cosine = gv.schedules.cosine(2, 1, 5)
    np.testing.assert_allclose([cosine(step) for step in (0, 2, 4, 9)], [2, 1.5, 1, 1])
    cyclical = gv.schedules.cyclical(40, cycles=2, ramp=0.5, end=0.8)
    values = np.array([cyclical(step) for step in range(60)])
    np.testing.assert_allclose(values[[0, 20]], 0)
    np.testing.assert_allclose(values[[9, 15, 19, 29, 35, 45, 59]], 0.8)
    assert (np.diff(values[:10]) > 0).all()
    np.testing.assert_array_equal(values[:20], values[20:40])
    assert gv.schedules.linear(0, 1, 1)(5) == 1


def test_a_schedule_called_out_of_order_gives_the_same():
    schedule = gv.schedules.cyclical(40, cycles=2)
    forwards = [schedule(step) for step in range(40)]
    assert [schedule(step) for step in reversed(range(40))] == forwards[::-1]
