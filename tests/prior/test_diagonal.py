"""The learned diagonal Gaussian: closed forms, a known evidence, the aggregate posterior."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels, set_mode, small_digits
from tests.tables.priors import diagonal, distribution, vae_with, values
from tests.truths.linear_gaussian import SIGMA, LinearGaussian


def test_the_kl_to_a_diagonal_prior_has_the_closed_form(rng):
    vae = vae_with("diagonal", rng)
    data = pixels(rng, 7)
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    _, (of_mean,), (of_std,) = diagonal(vae)
    expected = (0.5 * ((mean - of_mean) ** 2 + std**2) / of_std**2 - 0.5 - np.log(std / of_std)).sum(-1)
    for mode in ("imperative", "static_shape"):
        bound = gv.ELBO(vae, kl="closed")
        set_mode(bound, mode)
        np.testing.assert_allclose(bound.terms(data).kl.asnumpy(), expected, rtol=1e-4)


def test_evidence_of_a_linear_gaussian_model_with_a_diagonal_prior(rng):
    vae = gv.VAE(LinearGaussian(5, 2), gv.GaussianInferenceNetwork(2, [], data_dims=5), gv.DiagonalGaussianPrior())
    vae.initialize()
    weight, bias, mean, std = rng.standard_normal((5, 2)), rng.standard_normal(5), [0.7, -1.1], np.array([0.6, 1.7])
    settings = [
        (vae.generator.mean.weight, weight),
        (vae.generator.mean.bias, bias),
        (vae.prior.mean, mean),
        (vae.prior.log_std, np.log(std)),
    ]
    # q: the exact posterior's mean, and a standard deviation of 0.5, above the exact one
    precision = weight.T @ weight / SIGMA**2 + np.diag(std**-2.0)
    gain = np.linalg.solve(precision, weight.T / SIGMA**2)
    settings += [
        (vae.inference_net.mean_head[0].weight, gain),
        (vae.inference_net.mean_head[0].bias, mean - gain @ (weight @ mean + bias)),
        (vae.inference_net.std_head[0].weight, np.zeros((2, 5))),
        (vae.inference_net.std_head[0].bias, np.log(np.expm1(np.full(2, 0.5)))),
    ]
    for parameter, value in settings:
        parameter.shape = np.shape(value)
        parameter.set_data(nd(value))
    evidence = scipy.stats.multivariate_normal(
        weight @ mean + bias, (weight * std**2) @ weight.T + SIGMA**2 * np.eye(5)
    )
    data = evidence.rvs(30, random_state=rng).astype(np.float32)
    estimate = gv.log_marginal_likelihood(vae, data, samples=20_000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence.logpdf(data), atol=0.05)


def test_a_learned_prior_finds_the_aggregate_posterior():
    """With q fixed the best diagonal prior has the moments of the mixture of all q (Hoffman and Johnson 2016)."""
    vae = small_digits(prior="diagonal")
    data = nd(gv.data.load("digits").train.batch(slice(100)))
    mean, std = (x.asnumpy() for x in vae.inference_net(data))
    q = gv.Normal(nd(mean), nd(std))
    trainer = mx.gluon.Trainer(vae.prior.collect_params(), "adam", {"learning_rate": 0.05})
    for _ in range(400):
        with mx.autograd.record():
            kl = gv.kl_divergence(q, distribution(vae))
        kl.backward()
        trainer.step(100)
    np.testing.assert_allclose(values(vae.prior.mean), mean.mean(0), atol=1e-3)
    variance = (std**2).mean(0) + mean.var(0)
    np.testing.assert_allclose(np.exp(2 * values(vae.prior.log_std)), variance, rtol=1e-2)
