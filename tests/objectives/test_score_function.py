"""NVIL and VIMCO against all that a model of codes can draw, and their baselines."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import learned, nd
from tests.tables.codes import EXACT, model
from tests.truths import codes
from tests.truths.codes import noise_of, truths

exact = pytest.mark.parametrize("name", EXACT)


def gradients(vae):
    return [parameter.grad().asnumpy() for parameter in learned(vae)]


def exact_gradients(vae, data, samples, beta=1.0):
    """Of the expected bound of ``samples`` latent states, summed over the batch: by MXNet's gradients of the sum
    over all that can be drawn."""
    log_prior_of = vae.prior.distribution(nd([0], "float64"))
    every = nd(codes.codes(vae), "float64")
    with mx.autograd.record():
        total = 0
        for row in data:
            repeated = nd(np.repeat(row[None], len(every), axis=0), "float64")
            log_q = vae.inference_net.posterior(repeated).log_prob(every)
            log_likelihood = vae.likelihood(every).log_prob(repeated)
            weights = (log_likelihood + beta * (log_prior_of.log_prob(every) - log_q)).exp()
            for chosen in itertools.product(range(len(every)), repeat=samples):
                chosen = list(chosen)
                probability = sum(log_q[i] for i in chosen).exp()
                total = total + probability * (sum(weights[i] for i in chosen) / samples).log()
    total.backward()
    return total.asscalar(), gradients(vae)


def expected(vae, bound, data):
    """The expectation of the bound, summed over the batch, and of its gradients: each draw of the whole batch, with
    its probability."""
    log_q, every = truths(vae, data)[0], codes.codes(vae)
    value, total = 0.0, [np.zeros(p.shape) for p in learned(vae)]
    for chosen in itertools.product(range(len(every)), repeat=bound.samples * len(data)):
        chosen = np.reshape(chosen, (bound.samples, len(data)))
        probability = np.exp(
            sum(log_q[row, number] for row, number in zip(np.indices(chosen.shape)[1].flat, chosen.flat))
        )
        noise = noise_of(every[chosen])
        with mx.autograd.record():
            result = bound(nd(data, "float64"), nd(noise[0] if bound.samples == 1 else noise, "float64"))
        result.backward()
        value += probability * result.sum().asscalar()
        total = [one + probability * another for one, another in zip(total, gradients(vae))]
    return value, total


# name: (makes the bound, its samples, data points, and latent variables: as many draws as can be gone through)
ESTIMATORS = {
    "NVIL": (gv.NVIL, 2, {"bernoulli": 3, "categorical": 6}),
    "NVIL, beta": (lambda vae: gv.NVIL(vae, beta=0.3), 1, {"bernoulli": 4, "categorical": 6}),
    "NVIL, one data point": (gv.NVIL, 1, {"bernoulli": 4, "categorical": 6}),
    "NVIL, 2 samples": (lambda vae: gv.NVIL(vae, samples=2), 1, {"bernoulli": 3, "categorical": 6}),
    "VIMCO": (lambda vae: gv.VIMCO(vae, samples=3), 1, {"bernoulli": 2, "categorical": 3}),
    "VIMCO, 2 samples": (lambda vae: gv.VIMCO(vae, samples=2), 1, {"bernoulli": 3, "categorical": 6}),
}


@exact
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_expected_gradient_is_that_of_the_expected_bound(estimator, name, rng):
    make, rows, sizes = ESTIMATORS[estimator]
    vae, data = model(name, rng, sizes[name]), rng.integers(0, 2, (rows, 12))
    bound = make(vae)
    for parameter in learned(bound):  # a baseline that is not 0 changes nothing
        if "baseline" in parameter.name:
            parameter.set_data(nd(rng.standard_normal(parameter.shape), "float64"))
    is_vimco = isinstance(bound, gv.VIMCO)
    beta = 1.0 if is_vimco else bound.beta
    wanted_value, wanted = exact_gradients(vae, data, bound.samples if is_vimco else 1, beta)
    bound.hybridize(static_alloc=True, static_shape=True)
    value, total = expected(vae, bound, data)
    assert value == pytest.approx(wanted_value, rel=1e-9)
    for got, want in zip(total, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)
    log_q, log_likelihood, log_prior = truths(vae, data)
    weights = log_likelihood + beta * (log_prior - log_q)
    elbo, evidence = (softmax(log_q, axis=-1) * weights).sum(), logsumexp(weights + log_q, axis=-1).sum()
    if is_vimco:
        assert elbo < value < evidence
    else:
        assert value == pytest.approx(elbo, rel=1e-9)


@exact
def test_values_are_those_worked_out(name, rng):
    """At each code: the ELBO with its KL by enumeration, and the importance-weighted bound of two samples."""
    vae, data = model(name, rng, 3), rng.integers(0, 2, (7, 12))
    log_q, log_likelihood, log_prior = truths(vae, data)
    kl = (np.exp(log_q) * (log_q - log_prior)).sum(-1)
    every, nvil, vimco = codes.codes(vae), gv.NVIL(vae), gv.VIMCO(vae, samples=2)
    weights = log_likelihood + log_prior - log_q
    for number, code in enumerate(every):
        noise = nd(noise_of(np.tile(code, (7, 1))), "float64")
        terms = nvil.terms(nd(data, "float64"), noise)
        for got, want in zip(terms, (log_likelihood[:, number] - kl,) * 2 + (log_likelihood[:, number], kl)):
            np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-9)
        other = nd(noise_of(np.tile(every[0], (7, 1))), "float64")
        got = vimco.terms(nd(data, "float64"), mx.nd.stack(noise, other))
        want = logsumexp(weights[:, [number, 0]], axis=-1) - np.log(2)
        np.testing.assert_allclose(got.objective.asnumpy(), want, rtol=1e-9)
        np.testing.assert_allclose(got.bound.asnumpy(), want, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vimco_without_each_sample_is_as_by_hand(dtype, rng):
    log_weights = np.concatenate(
        [
            5 * rng.standard_normal((4, 6)) - 100,
            np.full((4, 1), -3.0),  # all equal
            [[0.0, 2.0, 0.0], [-300.0, 2.0, 0.0], [-500.0, -9.0, -400.0], [-700.0, -8.0, -400.0]],
        ],
        axis=1,
    )
    vimco = gv.VIMCO(model("bernoulli"), samples=4)
    got = vimco.without_each(mx.nd, nd(log_weights, dtype)).asnumpy()
    for sample in range(4):
        others = np.delete(log_weights, sample, axis=0)
        want = logsumexp(np.concatenate([others, others.mean(0, keepdims=True)]), axis=0) - np.log(4)
        np.testing.assert_allclose(got[sample], want, rtol=1e-6 if dtype == "float32" else 1e-12, atol=1e-6)


def test_nvil_baseline_learns_what_the_rest_of_the_batch_does_not_tell(rng):
    """The gradient in its last layer's bias is that of half the squared distance to the standardised signal."""
    vae, data = model("bernoulli", rng), rng.integers(0, 2, (5, 12))
    bound, noise = gv.NVIL(vae), rng.standard_normal((5, 6))
    with mx.autograd.record():
        terms = bound.terms(nd(data, "float64"), nd(noise, "float64"))
        terms.objective.backward()
    signal = terms.bound.asnumpy()
    rest = [np.delete(signal, row) for row in range(5)]
    standardised = (signal - np.mean(rest, axis=1)) / np.sqrt(np.var(rest, axis=1) + 1)
    guess = bound.baseline(nd(data, "float64")).asnumpy()[:, 0]
    assert bound.baseline[-1].bias.grad().asscalar() == pytest.approx((standardised - guess).sum(), rel=1e-9)


def total_variance(gradients_of, draws):
    rows = np.array([np.concatenate([g.ravel() for g in gradients_of()]) for _ in range(draws)])
    return rows.var(axis=0).sum(), rows.mean(axis=0), rows.std(axis=0) / np.sqrt(draws)


def test_baselines_lower_the_variance_and_leave_the_mean(rng):
    """Against the score function alone, with the same noise."""
    vae, data = model("categorical", rng), nd(rng.integers(0, 2, (20, 12)), "float64")
    net, bound = vae.inference_net, gv.NVIL(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    weights = learned(net)

    def of_nvil():
        noise = nd(rng.standard_normal((20, 6)), "float64")
        with mx.autograd.record():
            bound(data, noise).backward()
        return [p.grad().asnumpy() for p in weights]

    def of_score():
        noise = nd(rng.standard_normal((20, 6)), "float64")
        with mx.autograd.record():
            q, p = vae.posterior(data), vae.prior_distribution(data)
            z = q.sample(noise)
            signal, log_q = vae.likelihood(z).log_prob(data).detach(), q.log_prob(z)
            (signal * log_q - gv.kl_divergence(q, p)).backward()
        return [p.grad().asnumpy() for p in weights]

    (lower, mean, error), (higher, plain, plain_error) = (total_variance(of, 100) for of in (of_nvil, of_score))
    assert lower < 0.2 * higher
    assert (abs(mean - plain) < 4.5 * np.hypot(error, plain_error) + 1e-12).all()


def test_the_baseline_is_initialised_as_soon_as_the_model_is(rng):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.BernoulliInferenceNetwork(4, [6]), gv.CodePrior())
    bound = gv.NVIL(vae)
    vae.initialize()
    data = rng.integers(0, 2, (20, 12))
    gv.fit(bound, data, epochs=1, batch_size=10, progress=False)
    baseline = bound.baseline[-1].weight
    before = baseline.data().asnumpy()
    gv.fit(bound, data, epochs=1, batch_size=10, progress=False)
    assert abs(baseline.data().asnumpy() - before).max() > 0
