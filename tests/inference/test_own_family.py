"""A user's own family of posteriors, by any distribution: its noise, its KL, both modes, and the whole path."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.inference import FamilyInferenceNetwork
from gluonvae.inference.gaussian import DiagonalGaussian
from gluonvae.noise import NoiseSpec
from tests.helpers import BATCHES, assert_modes_agree_in_float64, log_weight, nd, noise_for, pixels


class LaplaceFamily(DiagonalGaussian):
    """Independent Laplace variables, whose draws take uniform noise."""

    distribution_type = gv.Laplace


class LaplaceInferenceNetwork(FamilyInferenceNetwork):
    """A Laplace posterior."""

    family_type = LaplaceFamily


class OwnNormal(gv.Normal):
    """A Normal under a name of its own."""


class OwnNormalFamily(DiagonalGaussian):
    """As :class:`DiagonalGaussian`."""

    distribution_type = OwnNormal


class OwnNormalInferenceNetwork(FamilyInferenceNetwork):
    """As :class:`gluonvae.GaussianInferenceNetwork`."""

    family_type = OwnNormalFamily


def vae_of(kind, prior=None):
    gv.seed(1)
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [6, 5]), kind(4, [6, 5]), prior)
    vae.initialize()
    return vae


def test_uniform_noise_is_asked_for_and_drawn():
    vae = vae_of(LaplaceInferenceNetwork)
    bound = gv.IWAE(vae, samples=50)
    assert bound.noise == vae.inference_net.noise == NoiseSpec("uniform", 4)
    drawn = bound.draw_noise(200).asnumpy().ravel()
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert scipy.stats.kstest(drawn, "uniform").pvalue > 1e-4


def test_draws_have_the_posteriors_moments(rng):
    vae = vae_of(LaplaceInferenceNetwork)
    data = pixels(rng, 3)
    mean, scale = (x.asnumpy() for x in vae.inference_net(data))
    z = vae.posterior(data).rsample(vae.draw_noise(vae.inference_net.noise, 3, 20_000)).asnumpy()
    error = np.sqrt(2) * scale / np.sqrt(len(z))
    assert (abs(z.mean(0) - mean) < 5 * error).all()
    np.testing.assert_allclose(z.std(0), np.sqrt(2) * scale, rtol=0.05)


@pytest.mark.parametrize("bound", [gv.ELBO, gv.IWAE, gv.InfoVAE], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("kind", [LaplaceInferenceNetwork, OwnNormalInferenceNetwork], ids=lambda kind: kind.__name__)
def test_both_modes(bound, kind, rng):
    vae = vae_of(kind)
    vae.cast("float64")
    objective = bound(vae, samples=3)
    batches = [(pixels(rng, size).astype("float64"), noise_for(rng, objective, size, "float64")) for size in BATCHES]
    assert_modes_agree_in_float64(objective, batches)


def test_the_log_weight_is_scipys(rng):
    vae = vae_of(LaplaceInferenceNetwork)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=5)
    data, noise = pixels(rng, 6).astype("float64"), noise_for(rng, bound, 6, "float64")
    mean, scale = (x.asnumpy() for x in vae.inference_net(data))
    z = vae.posterior(data).rsample(noise)
    log_q = scipy.stats.laplace(mean, scale).logpdf(z.asnumpy()).sum(-1)
    log_p = scipy.stats.norm.logpdf(z.asnumpy()).sum(-1) + vae.generator.log_likelihood(z, data).asnumpy()
    np.testing.assert_allclose(log_weight(vae, data, noise).asnumpy(), log_p - log_q, rtol=1e-9)


def test_fit_evaluate_and_the_likelihood(rng):
    vae = vae_of(LaplaceInferenceNetwork)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = rng.integers(0, 2, (60, 12)).astype(np.float32)
    gv.fit(bound, data, epochs=3, batch_size=20, learning_rate=1e-2, progress=False)
    estimate = gv.evaluate(bound, data)
    assert gv.log_marginal_likelihood(vae, data, 200).mean > estimate.bound
    assert vae.generate_reconstructions(nd(data), 2).shape == (2, 60, 12)


@pytest.mark.parametrize("prior", [None, gv.DiagonalGaussianPrior(4)], ids=["standard", "diagonal"])
def test_a_subclass_of_normal_has_its_closed_forms(prior, rng):
    own = vae_of(OwnNormalInferenceNetwork, prior)
    named = vae_of(gv.GaussianInferenceNetwork, None if prior is None else gv.DiagonalGaussianPrior(4))
    data, noise = pixels(rng, 5), nd(rng.standard_normal((5, 4)))
    for kind in (
        lambda vae: gv.ELBO(vae, kl="closed"),
        lambda vae: gv.FreeBitsELBO(vae),
        lambda vae: gv.BetaTC(vae, 9),
    ):
        # to rounding: that of gv.Normal itself is one operator with the draw
        np.testing.assert_allclose(kind(own)(data, noise).asnumpy(), kind(named)(data, noise).asnumpy(), rtol=1e-6)
