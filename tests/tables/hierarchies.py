"""The table of models with layers of latent variables."""

import pytest

from tests.helpers import nd, nd64, noise_for, small_vae

OPTIONS = {
    "latent_options": {"between_layer_sizes": [5]},
    "prior": "hierarchical",
    "prior_options": {"layer_sizes": [7]},
}

# a row: arguments of construct_vae
MODELS = {
    "bottom-up": {"latent_type": "hierarchical", "latent_variable_size": [4, 3], **OPTIONS},
    "bottom-up, 3 layers": {"latent_type": "hierarchical", "latent_variable_size": [4, 3, 2], **OPTIONS},
    "ladder": {"latent_type": "ladder", "latent_variable_size": [4, 3], **OPTIONS},
    "ladder, 3 layers": {"latent_type": "ladder", "latent_variable_size": [4, 3, 2], **OPTIONS},
}


def model(name, rng=None, **changes):
    """A float64 model of the table, its parameters far from where they start."""
    vae = small_vae(**{**MODELS[name], **changes})
    vae.cast("float64")
    if rng is not None:
        for parameter in vae.collect_params().values():
            parameter.set_data(nd(0.6 * rng.standard_normal(parameter.shape), "float64"))
    return vae


every_model = pytest.mark.parametrize("name", MODELS)
every_posterior = pytest.mark.parametrize("latent_type", ["hierarchical", "ladder"])


def batch(bound, rng, size=7):
    return nd64(rng.integers(0, 2, (size, 12))), noise_for(rng, bound, size, "float64")
