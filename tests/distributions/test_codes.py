"""Distributions of codes and relaxed codes, against SciPy, quadrature and their own draws."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd
from tests.tables.codes import STRAIGHT


def logits_of(rng, rows=5, size=6):
    return 2 * rng.standard_normal((rows, size))


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0])
def test_relaxed_bernoulli_is_a_logistic_variable(temperature, rng):
    """Also one-hot of two categories, whose difference of logarithms that is."""
    logits, value = logits_of(rng), 3 * rng.standard_normal((2, 5, 6)) / temperature
    tau = nd([temperature], "float64")
    wanted = scipy.stats.logistic.logpdf(value, logits / temperature, 1 / temperature).sum(-1)
    binary = gv.RelaxedBernoulli(nd(logits, "float64"), tau)
    np.testing.assert_allclose(binary.log_prob(nd(value, "float64")).asnumpy(), wanted, rtol=1e-8)
    # the first of two logits and the second
    pairs = lambda x: np.stack([x, np.zeros_like(x)], axis=-1)  # noqa: E731
    one_hot = gv.RelaxedOneHotCategorical(nd(pairs(logits).reshape(5, 12), "float64"), 2, tau)
    point = scipy.special.log_softmax(pairs(value), axis=-1).reshape(2, 5, 12)
    np.testing.assert_allclose(one_hot.log_prob(nd(point, "float64")).asnumpy(), wanted, rtol=1e-8)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_relaxed_one_hot_density_integrates_to_one_and_draws_follow_it(temperature, rng):
    """Three categories, over a = log y_1 / y_3 and b = log y_2 / y_3, of which the density times y_1 y_2 y_3 is."""
    logits, edge, cells, fine = rng.standard_normal(3), 40 / temperature, 40, 20
    q = gv.RelaxedOneHotCategorical(nd(logits, "float64"), 3, nd([temperature], "float64"))
    axis = np.linspace(-edge, edge, cells * fine, endpoint=False) + edge / (cells * fine)
    a, b = np.meshgrid(axis, axis, indexing="ij")
    grid = scipy.special.log_softmax(np.stack([a, b, np.zeros_like(a)], axis=-1), axis=-1)
    density = np.exp(q.log_prob(nd(grid, "float64")).asnumpy()) * (axis[1] - axis[0]) ** 2
    assert density.sum() == pytest.approx(1, abs=1e-6)
    draws = q.sample(nd(rng.standard_normal((20_000, 3)), "float64")).asnumpy()
    np.testing.assert_allclose(np.exp(draws).sum(-1), 1, rtol=1e-12)
    edges = np.linspace(-edge, edge, cells + 1)
    counts = np.histogram2d(draws[:, 0] - draws[:, 2], draws[:, 1] - draws[:, 2], [edges, edges])[0]
    expected = 20_000 * density.reshape(cells, fine, cells, fine).sum(axis=(1, 3))
    common = expected > 5
    statistic = ((counts - expected)[common] ** 2 / expected[common]).sum()
    assert scipy.stats.chi2.sf(statistic, common.sum()) > 1e-3


@pytest.mark.parametrize("name", STRAIGHT)
def test_straight_through_has_the_gradient_of_the_relaxed_code(name, rng):
    logits, noise, direction = (rng.standard_normal((4, 6)) for _ in range(3))
    tau = nd([0.7], "float64")
    one_hot = "OneHot" in name

    def relaxed(logits):
        if one_hot:
            q = gv.RelaxedOneHotCategorical(nd(logits, "float64"), 3, tau)
        else:
            q = gv.RelaxedBernoulli(nd(logits, "float64"), tau)
        return (q.code(q.rsample(nd(noise, "float64"))).asnumpy() * direction).sum()

    tensor = nd(logits, "float64")
    tensor.attach_grad()
    with mx.autograd.record():
        q = gv.OneHotCodes(tensor, 3, tau) if one_hot else gv.BinaryCodes(tensor, tau)
        code = q.rsample(nd(noise, "float64"))
        (code * nd(direction, "float64")).backward()
    assert set(np.unique(code.asnumpy())) == {0, 1}
    for place in np.ndindex(4, 6):
        step = np.zeros((4, 6))
        step[place] = 1e-5
        slope = (relaxed(logits + step) - relaxed(logits - step)) / 2e-5
        assert tensor.grad.asnumpy()[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)
