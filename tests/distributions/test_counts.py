"""Poisson and negative binomial log masses keep their digits in float32."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd

# means, and inverse dispersions on both sides of 5, where Stirling's series takes over; None is a Poisson
COUNTS = [
    *((mean, None) for mean in (0.3, 5, 200, 2000, 1e4)),
    *((5, dispersion) for dispersion in (1e-3, 0.5, 4.9, 5.1, 20, 1000, 1e5)),
    *((200, 10), (2000, 5), (1e4, 0.5), (1e4, 1e5)),
]


def _counts_in_float32(rng, mean, dispersion):
    """784 counts, the parameters they are from in float32, and scipy's float64 log masses."""
    parameters = np.float32(np.exp(0.1 * rng.standard_normal((2, 784))) * [[mean], [dispersion or 1]])
    exact = parameters.astype("float64")
    if dispersion is None:
        x = rng.poisson(exact[0])
        return x, [nd(parameters[0])], scipy.stats.poisson.logpmf(x, exact[0])
    x = rng.poisson(exact[0] * rng.gamma(exact[1]) / exact[1])
    # scipy's nbinom is given θ / (θ + μ), of which 1 - p loses digits in float64 too: from μ and θ themselves
    mu, theta = exact
    ways = scipy.special.gammaln(x + theta) - scipy.special.gammaln(theta) - scipy.special.gammaln(x + 1)
    return x, list(map(nd, parameters)), ways - theta * np.log1p(mu / theta) + x * np.log(mu / (mu + theta))


@pytest.mark.parametrize(("mean", "dispersion"), COUNTS)
def test_large_counts_keep_their_digits_in_float32(mean, dispersion, rng):
    """No value is off by more than a few roundings of itself, of x - μ or, with θ, what that comes to, and of ten,
    about 5 log(5), the largest number there is below the series; nor is their sum by more than those add up to."""
    x, parameters, truth = _counts_in_float32(rng, mean, dispersion)
    p_x = (gv.Poisson if dispersion is None else gv.NegativeBinomial)(*parameters)
    one_by_one = type(p_x)(*(parameter.expand_dims(-1) for parameter in parameters)).log_prob(nd(x[:, None]))
    mu, theta = (p_x.mean.asnumpy(), np.inf) if dispersion is None else (p.asnumpy() for p in parameters)
    allowed = 2.0**-23 * (10 + 3 * abs(truth) + 3 * abs(x - mu) / (1 + mu / theta))
    assert (abs(one_by_one.asnumpy() - truth) < allowed).all()
    assert abs(p_x.log_prob(nd(x)).asscalar() - truth.sum()) < allowed.sum()


@pytest.mark.parametrize(("mean", "dispersion"), [(mean, theta) for mean, theta in COUNTS if theta])
def test_gradients_of_a_negative_binomial_keep_their_digits_in_float32(mean, dispersion, rng):
    x, (mu, theta), _ = _counts_in_float32(rng, mean, dispersion)
    # where log_ratio changes sides
    mu[:20] = x[:20] = np.maximum(x[:20], 1)
    for tensor in (mu, theta):
        tensor.attach_grad()
    with mx.autograd.record():
        log_prob = gv.NegativeBinomial(mu, theta).log_prob(nd(x))
    log_prob.backward()
    m, t = (tensor.asnumpy().astype("float64") for tensor in (mu, theta))
    of_mean = (x - m) * t / (m * (m + t))
    of_dispersion = scipy.special.digamma(x + t) - scipy.special.digamma(t) - np.log1p(m / t) + (m - x) / (m + t)
    # roundings of the terms that cancel: in the mean's x / μ and the like, in the dispersion's what has (x - μ) / (μ + θ)
    # or 1 / θ, and below the series digamma(θ)
    of_mean_allowed = 2.0**-21 * (abs(of_mean) + (x + t) / (m + t))
    of_dispersion_allowed = 2.0**-21 * (abs(of_dispersion) + (abs(x - m) + 1) / (m + t) + 1 / t + (t < 5))
    assert (abs(mu.grad.asnumpy() - of_mean) < of_mean_allowed).all()
    assert (abs(theta.grad.asnumpy() - of_dispersion) < of_dispersion_allowed).all()
