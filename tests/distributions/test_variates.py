"""Logistic and Gumbel variates of normal noise."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from gluonvae.distributions import variates
from tests.helpers import nd


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_variates_have_their_digits_in_both_tails(dtype):
    noise = nd(np.linspace(-8, 8, 1001), dtype)
    exact = noise.asnumpy().astype("float64")
    log_cdf = scipy.special.log_ndtr(exact)
    logistic = log_cdf - scipy.special.log_ndtr(-exact)
    np.testing.assert_allclose(variates.logistic(noise).asnumpy(), logistic, rtol=5e-7, atol=5e-7)
    np.testing.assert_allclose(variates.gumbel(noise).asnumpy(), -np.log(-log_cdf), rtol=5e-7, atol=5e-7)
    for variate in (variates.logistic, variates.gumbel):
        farthest = variate(nd([-1e4, -13, 13, 1e4], dtype)).asnumpy()
        assert np.isfinite(farthest).all()
        assert farthest[0] == farthest[1] < variate(nd([0], dtype)).asscalar() < farthest[2] == farthest[3]


def test_variates_follow_their_distributions(rng):
    noise = nd(rng.standard_normal(50_000))
    assert scipy.stats.kstest(variates.logistic(noise).asnumpy(), "logistic").pvalue > 1e-3
    assert scipy.stats.kstest(variates.gumbel(noise).asnumpy(), "gumbel_r").pvalue > 1e-3
