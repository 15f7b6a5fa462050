"""Any likelihood with any posterior, prior and bound: every pair of kinds, in some model of four."""

import bounds
import likelihoods
import numpy as np
import pytest
from allpairspy import AllPairs
from conftest import nd, set_mode, small_vae
from modes import value_and_gradients, weighting
from posteriors import POSTERIORS
from priors import PRIORS

import gluonvae as gv

BOUNDS = {
    name: bounds.BOUNDS[name]
    for name in (
        "ELBO",
        "ELBO, stl",
        "CapacityELBO",
        "FreeBitsELBO",
        "FreeBitsELBO, 1 group",
        "BetaTC",
        "InfoVAE",
        "Renyi, 0.5, standard",
        "IWAE, dreg",
        "MIWAE, stl",
        "PIWAE, dreg",
        "CIWAE, dreg",
        "NVIL",
        "VIMCO",
    )
}
BY_VARIABLE = {"FreeBitsELBO", "BetaTC"}
"""Bounds that look at one latent variable at a time, and so want them independent in q and p."""
INDEPENDENT = {"gaussian", "gaussian, as in the IWAE paper"}, {"standard", "diagonal"}
KINDS = (likelihoods.ROWS, POSTERIORS, PRIORS, BOUNDS)
COMBINATIONS = [tuple(chosen) for chosen in AllPairs([list(rows) for rows in KINDS])]


def model(likelihood, posterior, prior):
    row = likelihoods.ROWS[likelihood]
    latent_type, latent_options = POSTERIORS[posterior]
    return small_vae(
        likelihood=row.name,
        likelihood_options=row.options,
        latent_type=latent_type,
        latent_options=latent_options,
        prior=prior,
        prior_options=PRIORS[prior][0],
        data_dims=likelihoods.X,
    )


def test_every_pair_is_there():
    for one in range(4):
        for other in range(one):
            pairs = {(chosen[one], chosen[other]) for chosen in COMBINATIONS}
            assert len(pairs) == len(KINDS[one]) * len(KINDS[other])


@pytest.mark.parametrize(("likelihood", "posterior", "prior", "bound"), COMBINATIONS)
def test_combination(likelihood, posterior, prior, bound, rng):
    vae = model(likelihood, posterior, prior)
    if bound in BY_VARIABLE and not (posterior in INDEPENDENT[0] and prior in INDEPENDENT[1]):
        with pytest.raises(ValueError, match=r"each latent variable.*: use"):
            BOUNDS[bound](vae)
        return
    vae.cast("float64")
    objective = BOUNDS[bound](vae)
    data = nd(likelihoods.ROWS[likelihood].data(rng, 5, likelihoods.X), "float64")
    noise = nd(rng.standard_normal(objective.noise_shape(5)), "float64")
    imperative, hybridised = [], []
    for mode, results in (("imperative", imperative), ("static_shape", hybridised)):
        set_mode(objective, mode)
        results += value_and_gradients(objective, (data, noise), lambda shape: weighting(shape).astype("float64"))
    for one, other in zip(imperative, hybridised):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)
    assert vae.generate_reconstructions(data, 2).shape == (2, 5, likelihoods.X)
    vae.generator.check_support("draws", vae.phantasize(3).asnumpy())


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_a_closed_form_that_there_is_not_is_refused(posterior):
    vae = model("bernoulliProd", posterior, "vamp")
    with pytest.raises(ValueError, match=r"KL\(.* \|\| Mixture\), of .* and VampPrior, has no closed form"):
        gv.ELBO(vae, kl="closed")
