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
