"""The ELBO of a given capacity, by hand."""

import numpy as np

import gluonvae as gv
from tests.helpers import nd64
from tests.truths.linear_gaussian import kl_by_variable, model_in_float64


def test_capacity_by_hand(rng):
    vae, data, noise, mean, std, _, log_likelihood = model_in_float64(rng, 3)
    kl, bound = kl_by_variable(mean, std).sum(-1), gv.CapacityELBO(vae, samples=3)
    target = float(np.median(kl)) + 0.01
    for bound.gamma, bound.capacity in ((2, target), (0.5, 0), (3, 100)):
        terms = bound.terms(nd64(data), nd64(noise))
        expected = log_likelihood - bound.gamma * abs(kl - bound.capacity)
        np.testing.assert_allclose(terms.objective.asnumpy(), expected, rtol=1e-10)
        np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl, rtol=1e-10)
