"""Divergences against entropies, closed forms, enumeration and sampling."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from tests.helpers import nd


def test_diagonal_gaussian_kl_against_scipys_entropy(rng):
    """KL = cross entropy - entropy, the first by Gauss-Hermite quadrature, exact for a quadratic."""
    mean, std = rng.standard_normal((7, 5)), rng.uniform(0.05, 3, (7, 5))
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    points = mean[..., None] + std[..., None] * nodes
    cross_entropy = -(scipy.stats.norm.logpdf(points) * weights).sum(-1) / weights.sum()
    expected = (cross_entropy - scipy.stats.norm(mean, std).entropy()).sum(-1)
    np.testing.assert_allclose(gv.diagonal_gaussian_kl(nd(mean), nd(std)).asnumpy(), expected, rtol=1e-5)


def test_diagonal_gaussian_kl_is_zero_at_the_prior_and_never_negative(rng):
    assert gv.diagonal_gaussian_kl(nd(np.zeros((3, 5))), nd(np.ones((3, 5)))).asnumpy().tolist() == [0, 0, 0]
    one = np.float32(1)
    neighbours = [np.nextafter(one, np.float32(0)), one, np.nextafter(one, np.float32(2)), np.float32(1 + 1e-4)]
    near = np.array(neighbours, np.float32)[:, None]
    assert (gv.diagonal_gaussian_kl(nd(np.zeros_like(near)), nd(near)).asnumpy() >= 0).all()
    spread = np.exp(rng.uniform(-9, 9, (1000, 1)))
    assert (gv.diagonal_gaussian_kl(nd(np.zeros_like(spread)), nd(spread)).asnumpy() >= 0).all()


def test_diagonal_gaussian_kl_near_the_prior_keeps_its_digits():
    """At std = 1 + e the KL is e**2 to first order; r**2 - 1 would round it away in float32."""
    std = np.float32(1) + np.float32(2.0) ** -10
    kl = float(gv.diagonal_gaussian_kl(nd([[0]]), nd([[std]])).asscalar())
    exact = 0.5 * (np.float64(std) ** 2 - 1) - np.log(np.float64(std))
    assert kl == pytest.approx(exact, abs=1e-9, rel=2e-3)


CLOSED_FORMS = {
    "Normal, StandardNormal": (lambda a: gv.Normal(nd(a[0]), nd(np.exp(a[1]))), lambda a: gv.StandardNormal()),
    "Normal, Normal": (
        lambda a: gv.Normal(nd(a[0]), nd(np.exp(a[1]))),
        lambda a: gv.Normal(nd(a[2]), nd(np.exp(a[3]))),
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_form_kl_against_sampling_at_unequal_parameters(name, rng):
    make_q, make_p = CLOSED_FORMS[name]
    parameters = 0.5 * rng.standard_normal((4, 6, 3))
    q, p = make_q(parameters), make_p(parameters)
    z = q.rsample(nd(rng.standard_normal((40_000, 6, 3))))
    terms = (q.log_prob(z) - p.log_prob(z)).asnumpy().astype(np.float64)
    error = terms.std(0) / np.sqrt(len(terms))
    assert (abs(gv.kl_divergence(q, p).asnumpy() - terms.mean(0)) < 4 * error).all()


def test_bernoulli_kl_by_enumeration(rng):
    q, p = 2 * rng.standard_normal((2, 6, 3))
    a, b = scipy.special.expit(q), scipy.special.expit(p)
    expected = (a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))).sum(-1)
    kl = gv.kl_divergence(gv.Bernoulli(nd(q)), gv.Bernoulli(nd(p))).asnumpy()
    np.testing.assert_allclose(kl, expected, rtol=1e-4, atol=1e-5)


def test_kl_without_closed_form_needs_noise():
    class Other(gv.distributions.Distribution):
        pass

    with pytest.raises(TypeError, match=r"KL\(Normal \|\| Other\) has no closed form.*noise"):
        gv.kl_divergence(gv.Normal(nd([[0]]), nd([[1]])), Other())


def test_kl_of_each_variable(rng):
    mean, std, of_mean, of_std = rng.standard_normal((4, 7, 3)) ** 2 + 0.1
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    points = mean[..., None] + std[..., None] * nodes
    for p, of_p in (
        (gv.StandardNormal(), scipy.stats.norm.logpdf(points)),
        (gv.Normal(nd(of_mean), nd(of_std)), scipy.stats.norm.logpdf(points, of_mean[..., None], of_std[..., None])),
    ):
        # of quadratics, for which the quadrature is exact
        of_q = scipy.stats.norm.logpdf(points, mean[..., None], std[..., None])
        expected = ((of_q - of_p) * weights).sum(-1) / weights.sum()
        got = gv.distributions.kl_by_variable(gv.Normal(nd(mean), nd(std)), p).asnumpy()
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
