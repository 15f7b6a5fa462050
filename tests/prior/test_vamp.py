"""The VampPrior: where pseudo-inputs lie, and the posteriors it is the mean of."""

import numpy as np
import pytest
import scipy.special

import gluonvae as gv
from tests.helpers import nd, noise_for, numbers, value_and_gradients
from tests.tables.posteriors import POSTERIORS
from tests.tables.priors import distribution, vae_with


@pytest.mark.parametrize(("pseudo_range", "low", "high"), [("unit", 0, 1), ("positive", 0, 8), ("real", -8, 8)])
def test_pseudo_inputs_lie_where_the_data_does(pseudo_range, low, high, rng):
    vae = vae_with("vamp", options={"components": 50, "pseudo_range": pseudo_range})
    for moved in (False, True):
        if moved:
            vae.prior.unconstrained.set_data(nd(3 * rng.standard_normal((50, 12))))
            high *= 3
            low *= 3
        (inputs,) = numbers(*vae.prior.pseudo_inputs(nd([0])))
        assert inputs.shape == (50, 12)
        assert (inputs >= low).all()
        assert (inputs <= (1 if pseudo_range == "unit" else high)).all()
        assert (inputs < 0).any() == (pseudo_range == "real")
        assert inputs.std(0).min() > 0.05


@pytest.mark.parametrize("latent_type", sorted({latent_type for latent_type, _ in POSTERIORS.values()}))
def test_vamp_of_any_posterior_is_the_mean_of_its_posteriors(latent_type, rng):
    vae = vae_with("vamp", rng, latent_type=latent_type)
    (inputs,), z = vae.prior.pseudo_inputs(nd([0])), nd(rng.standard_normal((3, 7, 4)))
    each = [vae.inference_net.posterior(row.reshape((1, -1))).log_prob(z.expand_dims(2)) for row in inputs]
    each = [log_prob.asnumpy()[..., 0] for log_prob in each]
    expected = scipy.special.logsumexp(each, axis=0) - np.log(5)
    np.testing.assert_allclose(distribution(vae).log_prob(z).asnumpy(), expected, rtol=1e-4)
    assert vae.phantasize(3).shape == (3, 12)
    # in float64, as a spline's gradients lose digits
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=2)
    batch = nd(rng.integers(0, 2, (7, 12)), "float64"), noise_for(rng, bound, 7, "float64")
    imperative = value_and_gradients(bound, batch)
    bound.hybridize(static_alloc=True, static_shape=True)
    for got, want in zip(value_and_gradients(bound, batch), imperative):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("likelihood", "low", "high"), [("bernoulli_prod", 0, 1), ("poisson", 0, np.inf), ("gaussian", -np.inf, np.inf)]
)
def test_pseudo_inputs_lie_where_the_likelihoods_data_does(likelihood, low, high, rng):
    vae = vae_with("vamp", rng, likelihood=likelihood)
    parameter = vae.prior.unconstrained
    parameter.set_data(nd(10 * rng.standard_normal(parameter.shape)))
    (inputs,) = numbers(*vae.prior.pseudo_inputs(nd([0])))
    assert (inputs >= low).all()
    assert (inputs <= high).all()
    assert ((inputs > 1).any(), (inputs < 0).any()) == (high > 1, low < 0)


def test_a_prior_is_of_the_posteriors_of_one_network(rng):
    net, prior = gv.GaussianInferenceNetwork(4, [6]), gv.VampPrior(components=3)
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), net, prior)
    vae.initialize()
    z = nd(rng.standard_normal((5, 4)))
    before = vae.prior_distribution(z).log_prob(z).asnumpy()
    gv.VAE(gv.ProductOfBernoullisGenerator(12, [6]), net, prior)
    with pytest.raises(ValueError, match=r"another model's posteriors already.*make a new one"):
        gv.VAE(vae.generator, gv.GaussianInferenceNetwork(4, [6]), prior)
    np.testing.assert_array_equal(vae.prior_distribution(z).log_prob(z).asnumpy(), before)
