"""Rényi bounds: their orders."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import finite_terms_and_gradients, log_weight, nd64, noise_for, pixels, small_vae
from tests.truths.linear_gaussian import linear_gaussian


def test_renyi_falls_with_its_order(rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data, noise = nd64(truth.evidence.rvs(7, random_state=rng)), nd64(rng.standard_normal((50, 7, 2)))
    orders = (-2, 0, 0.5, 1, 2, 5)
    values = np.array([gv.Renyi(vae, alpha, 50)(data, noise).asnumpy() for alpha in orders])
    assert (np.diff(values, axis=0) < -1e-3).all()
    largest, smallest = (gv.Renyi(vae, alpha, 50)(data, noise).asnumpy() for alpha in (-1e5, 1e5))
    weights = log_weight(vae, data, noise).asnumpy()
    np.testing.assert_allclose(largest, weights.max(0), atol=1e-3)
    np.testing.assert_allclose(smallest, weights.min(0), atol=1e-3)


def test_the_bound_of_a_negative_order_is_iwae(rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data, noise = nd64(truth.evidence.rvs(7, random_state=rng)), nd64(rng.standard_normal((6, 7, 2)))
    terms = gv.Renyi(vae, -3, 6).terms(data, noise)
    np.testing.assert_allclose(terms.bound.asnumpy(), gv.IWAE(vae, 6)(data, noise).asnumpy(), rtol=1e-11)
    assert (terms.objective > terms.bound).asnumpy().all()


@pytest.mark.parametrize("alpha", [-50, -1, 0, 0.5, 0.999, 1, 2, 50])
@pytest.mark.parametrize("gradient", ["standard", "stl", "dreg"])
def test_any_order_of_renyi_is_finite(alpha, gradient, rng):
    bound = gv.Renyi(small_vae(), alpha, 5, gradient)
    finite_terms_and_gradients(bound, pixels(rng, 7), 30 * noise_for(rng, bound, 7))


def test_the_order_of_a_renyi_bound_is_fixed():
    bound = gv.Renyi(small_vae())
    with pytest.raises(AttributeError):
        bound.alpha = -3
