"""What a ladder is made of: products of Gaussians."""

import numpy as np

import gluonvae as gv
from gluonvae.inference.hierarchical import product_of_gaussians
from tests.helpers import nd64


def test_product_of_gaussians_is_in_proportion_to_the_product_of_densities(rng):
    one, other = (gv.Normal(nd64(rng.standard_normal((5, 3))), nd64(rng.uniform(1e-4, 2, (5, 3)))) for _ in range(2))
    product = product_of_gaussians(one, other)
    points = product.rsample(nd64(rng.standard_normal((6, 5, 3))))
    ratio = product.component_log_prob(points) - one.component_log_prob(points) - other.component_log_prob(points)
    np.testing.assert_allclose(ratio.asnumpy(), np.broadcast_to(ratio.asnumpy()[0], (6, 5, 3)), rtol=1e-6)
