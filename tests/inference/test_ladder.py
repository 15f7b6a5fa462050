"""What a ladder is made of: products of Gaussians."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.inference.hierarchical import product_of_gaussians
from tests.helpers import nd, nd64, numbers, pixels


def test_product_of_gaussians_is_in_proportion_to_the_product_of_densities(rng):
    one, other = (gv.Normal(nd64(rng.standard_normal((5, 3))), nd64(rng.uniform(1e-4, 2, (5, 3)))) for _ in range(2))
    product = product_of_gaussians(one, other)
    points = product.rsample(nd64(rng.standard_normal((6, 5, 3))))
    ratio = product.component_log_prob(points) - one.component_log_prob(points) - other.component_log_prob(points)
    np.testing.assert_allclose(ratio.asnumpy(), np.broadcast_to(ratio.asnumpy()[0], (6, 5, 3)), rtol=1e-6)


def test_a_ladder_is_part_of_the_models_of_one_prior(rng):
    """It has the prior's networks: another model's would change the first model."""
    net, prior = gv.LadderInferenceNetwork([4, 3], [6]), gv.HierarchicalPrior([4, 3], [5])
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), net, prior)
    vae.initialize()
    data, noise = pixels(rng, 5), nd(rng.standard_normal((5, 7)))
    before = numbers(*vae(data, noise))
    gv.VAE(gv.ProductOfBernoullisGenerator(12, [6]), net, prior)
    with pytest.raises(ValueError, match=r"another model's prior already.*make a new one"):
        gv.VAE(vae.generator, net, gv.HierarchicalPrior([4, 3], [5]))
    for got, want in zip(numbers(*vae(data, noise)), before):
        np.testing.assert_array_equal(got, want)
