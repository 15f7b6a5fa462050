"""Densities, divergences and draws against scipy, closed forms and sampling."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from conftest import nd

import gluonvae as gv
from gluonvae.backend import compiled
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx


def test_normal_log_prob_is_scipys(rng):
    mean, std, x = rng.standard_normal((7, 5)), rng.uniform(0.1, 3, (7, 5)), rng.standard_normal((3, 7, 5))
    log_prob = gv.Normal(nd(mean), nd(std)).log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(x, mean, std).sum(-1), rtol=1e-5)
    log_prob = gv.StandardNormal().log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(x).sum(-1), rtol=1e-5)


def test_normal_rsample_follows_the_density(rng):
    mean, std = np.array([-1.0, 0, 2]), np.array([0.1, 1, 4])
    draws = gv.Normal(nd(mean), nd(std)).rsample(nd(rng.standard_normal((20_000, 3)))).asnumpy()
    for column in range(3):
        assert scipy.stats.kstest(draws[:, column], "norm", (mean[column], std[column])).pvalue > 1e-3


def test_normal_rsample_carries_the_gradient_mxnets_sampler_drops(rng):
    mean, std, noise = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3))), nd(rng.standard_normal((4, 3)))
    for tensor in (mean, std):
        tensor.attach_grad()
    with mx.autograd.record():
        gv.Normal(mean, std).rsample(noise).backward()
    np.testing.assert_allclose(mean.grad.asnumpy(), 1)
    np.testing.assert_allclose(std.grad.asnumpy(), noise.asnumpy(), rtol=1e-6)


def test_sample_and_score_together_is_sample_then_score(rng):
    mean, std = nd(rng.standard_normal((4, 3)), "float64"), nd(rng.uniform(0.1, 2, (4, 3)), "float64")
    noise = nd(rng.standard_normal((5, 4, 3)), "float64")

    def value_and_gradients(score):
        for tensor in (mean, std):
            tensor.attach_grad()
        with mx.autograd.record():
            z, log_prob = score(gv.Normal(mean, std))
            (z.square().sum(axis=-1) + 2 * log_prob).backward()
        return [x.asnumpy() for x in (z, log_prob, mean.grad, std.grad)]

    together = value_and_gradients(lambda q: q.rsample_and_log_prob(noise))
    apart = value_and_gradients(lambda q: (q.rsample(noise), q.log_prob(q.rsample(noise))))
    for one, two in zip(together, apart):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-10)


def test_sample_stops_the_gradient(rng):
    mean, std = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3)))
    mean.attach_grad()
    with mx.autograd.record():
        (gv.Normal(mean, std).sample() + mean).backward()
    np.testing.assert_array_equal(mean.grad.asnumpy(), 1)


LOGITS = {
    "ordinary": lambda rng: 5 * rng.standard_normal((50, 784)),
    "confident": lambda rng: rng.uniform(-30, -13, (50, 784)) * rng.choice([-1, 1], (50, 784)),
    "extreme": lambda rng: rng.choice([-200.0, 0, 200], (50, 784)),
}


@pytest.fixture(params=["compiled", "MXNet's"])
def operators(request, monkeypatch):
    """Each kind of operators that a graph may be made of."""
    if request.param == "compiled":
        assert compiled.available()
    else:
        monkeypatch.setattr(compiled, "available", lambda: False)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("truth", ["drawn", "mode"])
@pytest.mark.parametrize("kind", LOGITS)
def test_bernoulli_log_prob_is_scipys(kind, truth, dtype, rng):
    logits = LOGITS[kind](rng).astype(dtype).astype(np.float64)
    x = rng.integers(0, 2, logits.shape) if truth == "drawn" else logits > 0
    log_prob = gv.Bernoulli(nd(logits, dtype)).log_prob(nd(x, dtype)).asnumpy()
    # scipy takes a probability, which rounds to 1 above a logit of 37: give it the smaller one
    expected = scipy.stats.bernoulli.logpmf(np.where(logits > 0, 1 - x, x), scipy.special.expit(-abs(logits))).sum(-1)
    # a rounding for each pixel; in float64, where MXNet's softrelu cuts off above 20, that
    rtol, atol = (1e-6, 784 * 2.0**-23) if dtype == "float32" else (1e-12, 784 * np.exp(-20))
    np.testing.assert_allclose(log_prob, expected, rtol=rtol, atol=atol)
    assert (log_prob <= 0).all()


def test_bernoulli_is_the_tutorials_softmax_over_two(rng):
    pairs, x = 4 * rng.standard_normal((7, 784, 2)), rng.integers(0, 2, (7, 784))
    two_way = np.take_along_axis(scipy.special.log_softmax(pairs, axis=-1), x[..., None], -1)[..., 0].sum(-1)
    log_prob = gv.Bernoulli(nd(pairs[..., 1] - pairs[..., 0])).log_prob(nd(x)).asnumpy()
    np.testing.assert_allclose(log_prob, two_way, rtol=1e-6)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bernoulli_gradient_is_x_minus_p_also_at_zero(dtype):
    logits = nd([[-200, -20, -1, 0, 0, 1, 20, 200]], dtype)
    x = nd([[0, 1, 0, 0, 1, 1, 0, 1]], dtype)
    logits.attach_grad()
    with mx.autograd.record():
        gv.Bernoulli(logits).log_prob(x).backward()
    expected = x.asnumpy() - scipy.special.expit(logits.asnumpy())
    np.testing.assert_allclose(logits.grad.asnumpy(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(logits.grad.asnumpy()[0, 3:5], [-0.5, 0.5])


def test_bernoulli_draws_have_the_mean(rng):
    logits = np.array([-3.0, -0.5, 0, 2])
    draws = gv.Bernoulli(nd(np.tile(logits, (20_000, 1)))).sample().asnumpy()
    assert set(np.unique(draws)) == {0, 1}
    for column, p in enumerate(scipy.special.expit(logits)):
        assert scipy.stats.binomtest(int(draws[:, column].sum()), len(draws), p).pvalue > 1e-3


def test_bernoulli_mode_is_the_likelier_value():
    np.testing.assert_array_equal(gv.Bernoulli(nd([[-2, -0.1, 0.1, 3]])).mode.asnumpy(), [[0, 0, 1, 1]])


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


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("extreme", [-200, -20, 20, 200])
def test_everything_is_finite_at_extreme_preactivations(extreme):
    x = nd(np.full((2, 4), extreme))
    x.attach_grad()
    with mx.autograd.record():
        std = ops.softplus(x) + gv.inference.MIN_STD
        kl = gv.diagonal_gaussian_kl(x, std)
        z = gv.Normal(x, std).rsample(nd(np.ones((2, 4))))
        total = kl + gv.Normal(x, std).log_prob(z) + gv.Bernoulli(x).log_prob(nd(np.eye(2, 4)))
    total.backward()
    assert np.isfinite(total.asnumpy()).all()
    assert np.isfinite(x.grad.asnumpy()).all()


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7)])
def test_sum_last_is_numpys(shape, rng):
    x = rng.standard_normal(shape)
    np.testing.assert_allclose(np.squeeze(ops.sum_last(nd(x, "float64")).asnumpy()), x.sum(-1), rtol=1e-12)


def test_log_mean_exp_has_no_subnormal_gradients():
    """exp(-95) is subnormal in float32; the term counts for nothing beside exp(0)."""
    x = nd([[0.0], [-95.0], [-1.0]])
    x.attach_grad()
    with mx.autograd.record():
        ops.log_mean_exp(x).backward()
    expected = scipy.special.softmax([0, -95, -1])
    np.testing.assert_allclose(x.grad.asnumpy()[:, 0], expected, rtol=1e-6, atol=1e-30)
    assert x.grad.asnumpy()[1, 0] == 0


def test_log_mean_exp_is_scipys(rng):
    x = np.concatenate([100 * rng.standard_normal((5, 3)), [[900, -900, 0]]])
    expected = scipy.special.logsumexp(x, axis=0) - np.log(len(x))
    np.testing.assert_allclose(ops.log_mean_exp(nd(x)).asnumpy(), expected, rtol=1e-6)
