"""Posteriors of flows: how they start, and their options."""

import gluonvae as gv
from tests.helpers import nd, pixels, small_vae
from tests.tables.posteriors import FLOWS


def test_a_flow_starts_like_a_diagonal_gaussian(rng):
    """Planar flows at the start change the bound of the Gaussian with the same mean and std by little."""
    vae = small_vae(latent_type="planar", latent_options={"flow_length": 4})
    mean, std, context = vae.inference_net(pixels(rng, 7))
    noise = nd(rng.standard_normal((5, 7, 4)))
    z, log_prob = vae.inference_net.distribution(mean, std, context).rsample_and_log_prob(noise)
    plain_z, plain_log_prob = gv.Normal(mean, std).rsample_and_log_prob(noise)
    assert abs(z - plain_z).max().asscalar() < 0.2
    assert abs(log_prob - plain_log_prob).max().asscalar() < 0.2


def test_depths_are_options_by_name():
    vae = small_vae(latent_type="spline", latent_options={**FLOWS, "flow_length": 3, "bins": 5, "hidden_sizes": [6, 7]})
    steps = list(vae.inference_net.family.flow._children.values())
    assert [step.bins for step in steps] == [5] * 3
    assert [step.flip for step in steps] == [False, True, False]
    assert [step.context_size for step in steps] == [3] * 3
