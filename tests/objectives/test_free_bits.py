"""Free bits by hand, and their gradient below the threshold."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd64, numbers
from tests.truths.linear_gaussian import kl_by_variable, linear_gaussian, model_in_float64, row_by_row


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_free_bits_by_hand(groups, rng):
    vae, data, noise, mean, std, _, log_likelihood = model_in_float64(rng, 3)
    kl = kl_by_variable(mean, std)
    of_groups = kl.reshape(7, groups, -1).sum(-1).mean(0)
    bound = gv.FreeBitsELBO(vae, groups=groups, samples=3)
    for bound.free_bits, bound.beta in ((0, 1), (float(of_groups.mean()), 1), (float(of_groups.mean()), 0.3), (100, 1)):
        terms = bound.terms(nd64(data), nd64(noise))
        penalty = bound.beta * sum(max(bound.free_bits, one) for one in of_groups)
        np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - penalty, rtol=1e-9)
        np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl.sum(-1), rtol=1e-9)


def test_free_bits_have_no_gradient_below_the_threshold(rng):
    """Of each variable the gradient is that of the ELBO, above, or of the likelihood alone, below."""
    _, truth = linear_gaussian(rng, data_dims=5, latent_variable_size=4)
    data, noise = rng.standard_normal((7, 5)), rng.standard_normal((7, 4))
    mean, std = np.array([0.1, 1.0, 0.2, 2.0]), np.full(4, 0.9)
    vae = row_by_row(truth, data, mean, std)
    below = kl_by_variable(mean, std) < 0.25
    assert below.tolist() == [True, False, True, False]

    def gradient(bound):
        with mx.autograd.record():
            bound(nd64(data), nd64(noise)).backward()
        return np.stack(numbers(vae.inference_net.mean.grad(), vae.inference_net.std.grad()))

    elbo, likelihood = gradient(gv.ELBO(vae)), gradient(gv.ELBO(vae, beta=0))
    expected = np.where(below, likelihood, elbo)
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, 0.25)), expected, rtol=1e-9, atol=1e-11)
    assert abs(elbo - likelihood).min() > 1e-3
