"""Models with layers of latent variables against what is known of them: NumPy's densities, a chain's evidence."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives.layered_kl import kl_of_layers
from tests.helpers import log_weight, nd64
from tests.tables.hierarchies import every_model, every_posterior, model
from tests.truths.hierarchies import Chain, worked_out


@every_model
def test_densities_are_those_worked_out(name, rng):
    vae = model(name, rng)
    data, noise = rng.integers(0, 2, (7, 12)), rng.standard_normal((3, 7, vae.latent_variable_size))
    z, of_q, of_p = worked_out(vae, data, noise)
    posterior, prior = vae.posterior(nd64(data)), vae.prior_distribution(nd64(data))
    drawn, together = posterior.rsample_and_log_prob(nd64(noise))
    np.testing.assert_allclose(drawn.asnumpy(), z, rtol=1e-9)
    np.testing.assert_allclose(posterior.sample(nd64(noise)[0]).asnumpy(), z[0], rtol=1e-9)
    np.testing.assert_allclose(together.asnumpy(), sum(of_q), rtol=1e-9)
    np.testing.assert_allclose(posterior.log_prob(drawn).asnumpy(), sum(of_q), rtol=1e-9)
    np.testing.assert_allclose(prior.log_prob(drawn).asnumpy(), sum(of_p), rtol=1e-9)
    for got, want in zip(posterior.log_probs(drawn) + prior.log_probs(drawn), of_q + of_p):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-8)
    # the generator sees z_1 alone
    z_1 = drawn[:, :, :4]
    np.testing.assert_array_equal(vae.prior.generator_latent(drawn).asnumpy(), z_1.asnumpy())
    log_likelihood, kl = vae(nd64(data), nd64(noise))
    np.testing.assert_allclose(log_likelihood.asnumpy(), vae.generator.log_likelihood(z_1, nd64(data)).asnumpy())
    np.testing.assert_allclose(kl.asnumpy(), sum(of_q) - sum(of_p), rtol=1e-8)


@pytest.mark.parametrize("layers", [2, 3])
@every_posterior
def test_where_the_posterior_is_exact_every_weight_is_the_evidence(latent_type, layers, rng):
    truth = Chain(rng, layers)
    vae, data = truth.model(latent_type), truth.evidence.rvs(7, random_state=rng)
    expected = truth.evidence.logpdf(data)
    weights = log_weight(vae, nd64(data), nd64(rng.standard_normal((5, 7, 2 * layers))))
    np.testing.assert_allclose(weights.asnumpy(), np.broadcast_to(expected, (5, 7)), rtol=1e-9)
    z = vae.inference_net.posterior(nd64(data)).rsample(nd64(rng.standard_normal((20_000, 7, 2 * layers)))).asnumpy()
    for layer in range(layers):
        gain, shift, variance = truth.posterior(layer)
        of_layer = z[..., 2 * layer : 2 * layer + 2]
        error = 5 * np.sqrt(variance / len(z))
        assert (abs(of_layer.mean(0) - data @ gain.T - shift) < error).all()
        np.testing.assert_allclose(of_layer.var(0), np.broadcast_to(variance, (7, 2)), rtol=0.06)


@pytest.mark.parametrize("layers", [2, 3])
@every_posterior
def test_bounds_rise_to_the_evidence(latent_type, layers, rng):
    truth = Chain(rng, layers)
    vae, data = truth.model(latent_type, wider=1.4), truth.evidence.rvs(20, random_state=rng)
    evidence, repeats = truth.evidence.logpdf(data).mean(), np.repeat(data, 200, axis=0)
    means = [gv.evaluate(gv.ELBO(vae), repeats)]
    means += [gv.evaluate(gv.IWAE(vae, samples), repeats) for samples in (2, 8, 32)]
    values = [mean.bound for mean in means]
    # rows of one image share what it costs; noise alone is less than this
    assert (np.diff([*values, evidence]) > 0.003).all()
    assert values[0] < evidence - 0.1
    estimate = gv.log_marginal_likelihood(vae, data, samples=5000)
    np.testing.assert_allclose(estimate.log_likelihood, truth.evidence.logpdf(data), atol=0.05)


@pytest.mark.parametrize("layers", [2, 3])
def test_phantasies_have_the_moments_of_the_data(layers, rng):
    truth = Chain(rng, layers)
    vae = truth.model("hierarchical")
    noise = nd64(rng.standard_normal((100_000, 2 * layers)))
    z = vae.prior_distribution(noise).sample(noise).asnumpy()
    for layer in range(layers):
        of_layer = z[:, 2 * layer : 2 * layer + 2]
        np.testing.assert_allclose(of_layer.mean(0), truth.mean[layer], atol=0.03)
        np.testing.assert_allclose(of_layer.var(0), truth.variance[layer], rtol=0.03)
    x = vae.phantasize(100_000).asnumpy()
    np.testing.assert_allclose(x.mean(0), truth.evidence.mean, atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), truth.evidence.cov, atol=0.07)


@every_posterior
def test_stl_has_no_gradient_where_the_posterior_is_exact(latent_type, rng):
    """Sticking the landing: in the inference network's parameters, for any noise. Not so with the score."""
    truth = Chain(rng, 2)
    vae = truth.model(latent_type)
    both = nd64(truth.evidence.rvs(64, random_state=rng)), nd64(rng.standard_normal((64, 4)))
    # then no layer of the batch is held at its free bits
    assert (
        min(
            kl.asnumpy().mean()
            for kl in kl_of_layers(vae.posterior(both[0]), vae.prior_distribution(both[0]), both[1])[1]
        )
        > 0
    )
    for make in (gv.ELBO, lambda vae, gradient: gv.FreeBitsELBO(vae, free_bits=0, gradient=gradient)):
        largest = {}
        for gradient in ("standard", "stl"):
            bound = make(vae, gradient=gradient)
            with mx.autograd.record():
                bound(*both).sum().backward()
            of_net = [p.grad().asnumpy() for p in vae.inference_net.collect_params().values()]
            # the penalty is that of the whole batch, for each of its rows
            largest[gradient] = max(abs(values).max() for values in of_net)
        assert largest["stl"] < 1e-8
        assert largest["standard"] > 0.1
