"""Discretised logistics: their sum, and a mixture of one."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd
from tests.tables.likelihoods import X
from tests.truths.likelihoods import LEVELS


def test_a_mixture_of_one_component_is_that_component(rng):
    mean, scale = nd(rng.random((7, X))), nd(rng.uniform(0.01, 1, (7, X)))
    x, noise = nd(rng.integers(0, 256, (7, X)) / 255), nd(rng.random((7, X)))
    one = gv.DiscretizedLogistic(mean, scale)
    mixture = gv.DiscretizedLogisticMixture(nd(rng.standard_normal((7, X))), mean, scale, components=1)
    for got, want in [
        (mixture.log_prob(x), one.log_prob(x)),
        (mixture.mean, one.mean),
        (mixture.sample(noise), one.sample(noise)),
    ]:
        np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 0.004, 0.03, 1, 100])
def test_discretised_logistic_sums_to_one_in_float32(scale):
    mean = np.array([-200, -0.5, 0, 0.2, 0.5003, 1, 1.3, 200])[:, None]
    p_x = gv.DiscretizedLogistic(nd(mean), nd(np.full_like(mean, scale)))
    mass = np.exp(p_x.log_prob(nd(LEVELS[:, None, None])).asnumpy().astype("float64"))
    np.testing.assert_allclose(mass.sum(0), 1, atol=2e-6)
