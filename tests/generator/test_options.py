"""Options of likelihoods that cannot be."""

import numpy as np
import pytest

import gluonvae as gv

CONSTRUCTIONS = {
    "std": (
        {"name": "gaussian", "options": {"std": 0}},
        "std must be a positive number, 'learned', 'per_feature' or 'per_pixel', got 0",
    ),
    "scale": ({"name": "laplace", "options": {"scale": "wide"}}, "scale must be a positive number.*got 'wide'"),
    "standardize": (
        {"name": "gaussian", "options": {"standardize": "yes"}},
        "standardize of the likelihood 'gaussian' must be True or False, got 'yes'",
    ),
    "NaN": ({"name": "laplace", "options": {"scale": np.nan}}, "scale must be a positive number.*got nan"),
    "components": (
        {"name": "discretized_logistic_mixture", "options": {"components": 0}},
        "components must be positive, got 0",
    ),
    "one category": ({"name": "categorical", "options": {"categories": 1}}, "categories must be at least 2, got 1"),
    "library": (
        {"name": "poisson", "options": {"library": "observe"}},
        "library must be one of latent, observed, got 'observe'; did you mean 'observed'",
    ),
    "dispersion": (
        {"name": "zero_inflated_negative_binomial", "options": {"dispersion": "gene"}},
        "dispersion must be one of network, per_feature, got 'gene'",
    ),
    "no dispersion": (
        {"name": "zero_inflated_poisson", "options": {"dispersion": "network"}},
        "an option of the likelihood 'zero_inflated_poisson' must be one of library, missing, got 'dispersion'",
    ),
    "blocks": (
        {"name": "categorical", "options": {"categories": 5}},
        "data_dims must be a multiple of categories, 5 values for each variable, got 12",
    ),
}


@pytest.mark.parametrize("case", CONSTRUCTIONS)
def test_constructions(case):
    given, message = CONSTRUCTIONS[case]
    with pytest.raises((ValueError, TypeError), match=message):
        gv.construct_vae(likelihood=given["name"], likelihood_options=given["options"], data_dims=12)


def test_a_latent_library_leaves_latent_variables_for_the_network():
    message = "latent_variable_size must be above 1, got 1: the likelihood takes the last for itself"
    with pytest.raises(ValueError, match=message):
        gv.construct_vae(
            likelihood="poisson", likelihood_options={"library": "latent"}, data_dims=12, latent_variable_size=1
        )
    with pytest.raises(ValueError, match=message):
        gv.VAE(gv.PoissonGenerator(12, [5], library="latent"), gv.GaussianInferenceNetwork(1, [5]))
