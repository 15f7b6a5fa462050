"""The table of posteriors of discrete codes and of relaxed ones: a row each, in a model with their prior."""

import pytest

from tests.helpers import learned, nd, small_vae

ONE_HOT = {"categories": 3}

# name: (latent_type, its options)
POSTERIORS = {
    "bernoulli": ("bernoulli", {}),
    "categorical": ("categorical", ONE_HOT),
    "relaxed_bernoulli": ("relaxed_bernoulli", {}),
    "relaxed_bernoulli, straight through": ("relaxed_bernoulli", {"straight_through": True}),
    "relaxed_one_hot": ("relaxed_one_hot", ONE_HOT),
    "relaxed_one_hot, straight through": ("relaxed_one_hot", {**ONE_HOT, "straight_through": True}),
}
EXACT = ["bernoulli", "categorical"]
STRAIGHT = [name for name in POSTERIORS if name.endswith("straight through")]
RELAXED = [name for name in POSTERIORS if name.startswith("relaxed") and name not in STRAIGHT]


def model(name, rng=None, size=6, **changes):
    """A small model of that row; in float64, with parameters far from those that it starts with, given ``rng``."""
    latent_type, options = POSTERIORS[name]
    usual = {"latent_variable_size": size, "prior": "codes", "prior_options": {"learned": True}}
    vae = small_vae(**{**usual, "latent_type": latent_type, "latent_options": options, **changes})
    if rng is not None:
        vae.cast("float64")
        for parameter in learned(vae):
            parameter.set_data(nd(0.6 * rng.standard_normal(parameter.shape), "float64"))
    return vae


every_posterior = pytest.mark.parametrize("name", POSTERIORS)
