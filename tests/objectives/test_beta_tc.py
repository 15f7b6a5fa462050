"""β-TC by hand."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from tests.helpers import nd64
from tests.truths.linear_gaussian import model_in_float64


@pytest.mark.parametrize("samples", [1, 3])
def test_beta_tc_by_hand(samples, rng):
    vae, data, noise, mean, std, z, log_likelihood = model_in_float64(rng, samples)
    size, (alpha, beta, gamma) = 1000, (0.3, 2.5, 1.7)
    expected = np.zeros((samples, 7))
    for s in range(samples):
        for i in range(7):
            # log q(z_d | x_j), of shape (j, d)
            of_each = np.array(
                [[scipy.stats.norm.logpdf(z[s, i, d], mean[j, d], std[j, d]) for d in range(4)] for j in range(7)]
            )
            joint = np.log(np.exp(of_each.sum(1)).sum() / (size * 7))
            marginals = [np.log(np.exp(of_each[:, d]).sum() / (size * 7)) for d in range(4)]
            information, correlation = of_each[i].sum() - joint, joint - sum(marginals)
            by_variable = sum(marginals[d] - scipy.stats.norm.logpdf(z[s, i, d]) for d in range(4))
            expected[s, i] = alpha * information + beta * correlation + gamma * by_variable
    bound = gv.BetaTC(vae, size, alpha, beta, gamma, samples)
    got = bound(nd64(data), nd64(noise if samples > 1 else noise[0])).asnumpy()
    np.testing.assert_allclose(got, log_likelihood - expected.mean(0), rtol=1e-9)
