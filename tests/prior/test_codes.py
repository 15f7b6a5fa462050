"""Priors of codes: draws, equal probabilities, and posteriors they do not fit."""

import numpy as np
import pytest
import scipy.special
from scipy.special import softmax

import gluonvae as gv
from tests.helpers import assert_close, draw, nd
from tests.tables.codes import RELAXED, every_posterior, model
from tests.truths import codes


@every_posterior
def test_draws_of_the_prior_and_images(name, rng):
    vae = model(name, rng)
    noise = draw(rng, vae.prior.noise, (20_000,), "float64")
    latent_state = vae.prior.distribution(noise).sample(noise)
    given = vae.prior.generator_latent(latent_state).asnumpy()
    logits = vae.prior.logits.data().asnumpy()
    if codes.is_binary(vae):
        ones, wanted = given > 0.5, scipy.special.expit(logits)
    else:
        blocks = given.reshape(-1, 2, 3)
        ones = (blocks == blocks.max(-1, keepdims=True)).reshape(-1, 6)
        wanted = softmax(logits.reshape(2, 3), axis=-1).reshape(6)
    assert (abs(ones.mean(0) - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / len(given))).all()
    assert ((given == 0) | (given == 1)).all() == (name not in RELAXED)
    data = nd(rng.integers(0, 2, (5, 12)), "float64")
    q = vae.inference_net.posterior(data)
    noise = nd(rng.standard_normal((2, 5, 6)), "float64")
    mean = vae.generator.generate_mean(vae.prior.generator_latent(q.sample(noise)))
    assert_close([vae.generate_reconstructions(data, 2, "mean", noise).asnumpy()], [mean.asnumpy()])
    assert vae.phantasize(3).shape == (3, 12)


def test_codes_that_are_not_learned_are_equally_probable(rng):
    vae = model("categorical", prior_options={})
    every = nd(codes.codes(vae))
    log_prob = vae.prior.distribution(every).log_prob(every).asnumpy()
    np.testing.assert_allclose(log_prob, -2 * np.log(3), rtol=1e-5)
    bound, before = gv.NVIL(vae), vae.prior.logits.data().asnumpy()
    gv.fit(bound, rng.integers(0, 2, (40, 12)).astype("float32"), epochs=2, batch_size=20, progress=False)
    np.testing.assert_array_equal(vae.prior.logits.data().asnumpy(), before)


def test_a_prior_that_does_not_fit_names_what_does():
    with pytest.raises(ValueError, match="use another prior, or a posterior such as BernoulliInferenceNetwork"):
        gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(4, [6]), gv.CodePrior())
