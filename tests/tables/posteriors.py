"""The table of posteriors: a row each."""

import gluonvae as gv
from tests.helpers import nd, small_vae

FLOWS = {"flow_length": 2, "context_size": 3}

# name: (latent_type, its options)
POSTERIORS = {
    "gaussian": ("gaussian", {}),
    "gaussian, as in the IWAE paper": ("gaussian", {"shared_layers": None, "std": "exp"}),
    "full_covariance": ("full_covariance", {}),
    "low_rank": ("low_rank", {"rank": 2}),
    "householder": ("householder", FLOWS),
    "planar": ("planar", FLOWS),
    "radial": ("radial", FLOWS),
    "iaf": ("iaf", {**FLOWS, "hidden_sizes": [5]}),
    "real_nvp": ("real_nvp", {**FLOWS, "hidden_sizes": [5]}),
    "spline": ("spline", {**FLOWS, "hidden_sizes": [5], "bins": 4}),
}
INDEPENDENT = [name for name in POSTERIORS if "gaussian" in name or "independent" in name]
"""The rows whose latent variables are independent given the data, as their names say."""


def make(name, latent_variable_size, layer_sizes=(6, 5), data_dims=12):
    """The inference network of that row, initialised."""
    latent_type, options = POSTERIORS[name]
    kind = gv.inference.POSTERIORS[latent_type]
    net = kind(latent_variable_size, list(layer_sizes), data_dims=data_dims, **options)
    net.initialize()
    return net


def randomised(net, rng, scale=0.6):
    """The network in float64, with parameters far from those that it starts with."""
    net.cast("float64")
    for parameter in net.collect_params().values():
        parameter.set_data(nd(scale * rng.standard_normal(parameter.shape), "float64"))
    return net


def vae_of(name, **changes):
    latent_type, options = POSTERIORS[name]
    return small_vae(latent_type=latent_type, latent_options=options, **changes)
