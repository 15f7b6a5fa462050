"""Bounds that cannot be are refused, saying what was given and what was wanted."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd, small_vae


class NoTypes(gv.GaussianInferenceNetwork):
    """A posterior that does not tell its kind beforehand."""

    distribution_type = None

    def distribution(self, mean, std):
        return Unknown(mean, std)


class Unknown(gv.distributions.Distribution):
    def __init__(self, mean, std):
        self.rsample = gv.Normal(mean, std).rsample
        self.log_prob = gv.Normal(mean, std).log_prob


def of_unknown_kind():
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), NoTypes(4, [5], data_dims=12))
    vae.initialize()
    return vae


# name: (what is called, error, message)
ERRORS = {
    "estimator": (lambda: gv.Renyi(small_vae(), gradient="dregs"), ValueError, "did you mean 'dreg'"),
    "estimator of ELBO": (
        lambda: gv.CapacityELBO(small_vae(), gradient="dreg"),
        ValueError,
        "gradient must be one of standard, stl, got 'dreg'",
    ),
    "landing of a closed form": (
        lambda: gv.CapacityELBO(small_vae(), kl="closed", gradient="stl"),
        ValueError,
        "'stl' is of a sampled KL: a closed form has no score to leave out",
    ),
    "closed form that there is not": (
        lambda: gv.CapacityELBO(small_vae(prior="mixture"), kl="closed"),
        ValueError,
        r"KL\(Normal \|\| Mixture\), of GaussianInferenceNetwork and MixturePrior, has no closed form",
    ),
    "free bits, groups": (
        lambda: gv.FreeBitsELBO(small_vae(), groups=3),
        ValueError,
        "4 latent variables do not fall into 3 groups",
    ),
    "free bits, no group": (lambda: gv.FreeBitsELBO(small_vae(), groups=0), ValueError, "groups must be positive"),
    "free bits, sampled": (
        lambda: gv.FreeBitsELBO(small_vae(), kl="sampled"),
        ValueError,
        "a sampled KL is that of the whole latent state: use groups=1",
    ),
    "free bits, stl": (lambda: gv.FreeBitsELBO(small_vae(), gradient="stl"), ValueError, "use groups=1"),
    "free bits, prior": (
        lambda: gv.FreeBitsELBO(small_vae(prior="mixture")),
        ValueError,
        r"KL\(Normal \|\| Mixture\), of .* no closed form for each latent variable: use groups=1",
    ),
    "free bits, at the call": (
        lambda: gv.FreeBitsELBO(of_unknown_kind())(nd(np.ones((2, 12)))),
        TypeError,
        r"KL\(Unknown \|\| StandardNormal\) has no closed form for each variable",
    ),
    "free bits below 0": (lambda: gv.FreeBitsELBO(small_vae(), -1), ValueError, "free_bits must be a finite number"),
    "beta-TC, prior": (
        lambda: gv.BetaTC(small_vae(prior="mixture"), 100),
        ValueError,
        "BetaTC needs the density of each latent variable, and the prior of MixturePrior, a Mixture, has none",
    ),
    "beta-TC, at the call": (
        lambda: gv.BetaTC(of_unknown_kind(), 100)(nd(np.ones((2, 12)))),
        NotImplementedError,
        "Unknown has no density of each component",
    ),
    "beta-TC, size": (
        lambda: gv.BetaTC(small_vae(), 1000.5),
        TypeError,
        "dataset_size must be a positive whole number, got 1000.5",
    ),
    "InfoVAE, weights": (
        lambda: gv.InfoVAE(small_vae(), alpha=-2, lambda_=1),
        ValueError,
        r"alpha \+ lambda_ must be at least 1, got -2 \+ 1",
    ),
    "InfoVAE, alpha": (
        lambda: gv.InfoVAE(small_vae(), alpha=2),
        ValueError,
        "alpha must be a finite number, at most 1, got 2",
    ),
    "InfoVAE, noise": (
        lambda: gv.InfoVAE(small_vae())(nd(np.ones((7, 12))), nd(np.ones((7, 4)))),
        TypeError,
        r"noise must be InfoNoise\(posterior, prior\), a named tuple of tensors, got NDArray",
    ),
    "Renyi, infinite": (lambda: gv.Renyi(small_vae(), np.inf), ValueError, "alpha must be a finite number, got inf"),
    "Renyi, near 1": (lambda: gv.Renyi(small_vae(), 1 + 1e-6), ValueError, "alpha must be 1 or 0.0001 away from it"),
    "MIWAE, groups": (
        lambda: gv.MIWAE(small_vae(), samples=10, groups=4),
        ValueError,
        "10 samples do not fall into 4 groups",
    ),
    "PIWAE, groups": (lambda: gv.PIWAE(small_vae(), 8, groups=0), ValueError, "groups must be positive, got 0"),
    "CIWAE, one sample": (
        lambda: gv.CIWAE(small_vae(), samples=1),
        ValueError,
        "with samples=1 CIWAE is the ELBO whatever beta is",
    ),
    "CIWAE, beta": (
        lambda: gv.CIWAE(small_vae(), beta=1.5),
        ValueError,
        "beta must be a finite number from 0 to 1, got 1.5",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
