"""Models to test with."""

import gluonvae as gv


def small_vae(**changes):
    """A model small enough for finite differences: 12 pixels, 4 latent variables."""
    sizes = {"generator_layer_sizes": [5, 6], "infer_layer_sizes": [6, 5], "latent_variable_size": 4, "data_dims": 12}
    vae = gv.construct_vae(**{**sizes, **changes})
    vae.initialize()
    return vae


def log_weight(vae, data, noise):
    """log p(x, z) - log q(z | x) at z = z(x, noise), ``(k, B)``."""
    z, log_q = vae.posterior(data).rsample_and_log_prob(noise)
    return vae.likelihood(z).log_prob(data) + vae.prior_distribution(data).log_prob(z) - log_q


def small_digits(**changes):
    sizes = {"generator_layer_sizes": [50], "infer_layer_sizes": [50], "latent_variable_size": 5, **changes}
    vae = gv.construct_vae(**sizes)
    vae.initialize()
    return vae
