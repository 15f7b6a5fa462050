"""How priors with layers start."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from tests.helpers import nd


@pytest.mark.parametrize("layers", [[4, 3], [4, 3, 2]])
def test_a_prior_starts_near_a_standard_normal_in_every_layer(layers, rng):
    prior = gv.HierarchicalPrior(layers)
    prior.initialize()
    z = rng.standard_normal((5, sum(layers)))
    log_prob = prior.distribution(nd(z)).log_prob(nd(z)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(z).sum(-1), atol=0.5)
