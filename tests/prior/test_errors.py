"""Priors that cannot be are refused, saying what was given and what was wanted."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd, small_vae
from tests.tables.priors import distribution, vae_with

ERRORS = {
    "latent size": (
        lambda: gv.VAE(
            gv.ProductOfBernoullisGenerator(12, []),
            gv.GaussianInferenceNetwork(4, []),
            gv.DiagonalGaussianPrior(latent_variable_size=5),
        ),
        ValueError,
        "latent_variable_size is 4 in the inference network and 5 in the prior",
    ),
    "not a prior": (
        lambda: gv.VAE(
            gv.ProductOfBernoullisGenerator(12, []), gv.GaussianInferenceNetwork(4, []), gv.StandardNormal()
        ),
        TypeError,
        "prior must be a Prior, got StandardNormal",
    ),
    "components": (lambda: gv.MixturePrior(4, components=0), ValueError, "components must be positive, got 0"),
    "components of vamp": (
        lambda: small_vae(prior="vamp", prior_options={"components": 2.5}),
        TypeError,
        "components must be a positive whole number, got 2.5",
    ),
    "range": (
        lambda: gv.VampPrior(4, pseudo_range="unti"),
        ValueError,
        "pseudo_range must be one of positive, real, unit, got 'unti'; did you mean 'unit'",
    ),
    "name": (lambda: small_vae(prior="vam"), ValueError, "prior must be one of .*got 'vam'; did you mean 'vamp'"),
    "option": (
        lambda: small_vae(prior="vamp", prior_options={"component": 3}),
        ValueError,
        "an option of the prior 'vamp' must be one of components, pseudo_range, got 'component'; did you mean 'components'",
    ),
    "vamp outside a model": (
        lambda: gv.VampPrior(4).pseudo_inputs(nd([0])),
        ValueError,
        "VampPrior does not know data_dims: make the prior part of a VAE",
    ),
    "diagonal outside a model": (
        lambda: gv.DiagonalGaussianPrior().distribution(nd([0])),
        ValueError,
        "DiagonalGaussianPrior does not know latent_variable_size: pass it, or make the prior part of a VAE",
    ),
    "flow of one latent variable": (
        lambda: small_vae(prior="real_nvp", latent_variable_size=1),
        ValueError,
        "a coupling moves half of the latent variables: it needs 2 or more, got 1",
    ),
    "flow of unknown size": (lambda: gv.FlowPrior(0), ValueError, "latent_variable_size must be positive, got 0"),
    "flow of no length": (lambda: gv.FlowPrior(4, flow_length=0), ValueError, "flow_length must be positive, got 0"),
    "noise of a mixture": (
        lambda: distribution(vae_with("mixture")).sample(),
        TypeError,
        "Mixture needs its noise",
    ),
    "noise of phantasies": (
        lambda: vae_with("mixture").phantasize(3, noise=nd(np.zeros((3, 4)))),
        TypeError,
        r"noise must be MixtureNoise\(component, value\), a named tuple of tensors, got NDArray",
    ),
    "shape of the noise of phantasies": (
        lambda: vae_with("mixture").phantasize(3, noise=gv.MixtureNoise(nd(np.zeros((3, 2))), nd(np.zeros((3, 4))))),
        ValueError,
        r"noise\.component must have shape \(3, 1\), got \(3, 2\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_a_network_without_a_family_may_be_registered():
    """The message lists the posteriors that fit, of all that are registered."""

    class Own(gv.InferenceNetwork):
        """A posterior that is no family on a network."""

    gv.inference.POSTERIORS.register("own_network")(Own)
    try:
        with pytest.raises(ValueError, match="use another prior, or a posterior such as BernoulliInferenceNetwork"):
            gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(4, [5]), gv.CodePrior())
    finally:
        del gv.inference.POSTERIORS["own_network"]
