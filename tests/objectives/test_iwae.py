"""The importance-weighted bound and its gradient against float64 NumPy."""

import numpy as np
import pytest
import scipy.special

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import log_weight, nd, pixels, set_mode, small_vae
from tests.truths.small_vae import log_weights


@pytest.mark.parametrize("samples", [1, 2, 50])
@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_iwae(samples, mode, rng):
    vae = small_vae()
    bound = gv.IWAE(vae, samples=samples)
    set_mode(bound, mode)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((samples, 7, 4)))
    log_likelihood, log_prior, log_posterior = log_weights(vae, data, noise)
    terms = bound.terms(data, noise if samples > 1 else noise[0])
    expected = scipy.special.logsumexp(log_likelihood + log_prior - log_posterior, axis=0) - np.log(samples)
    np.testing.assert_allclose(terms.bound.asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(terms.objective.asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(terms.log_likelihood.asnumpy(), log_likelihood.mean(0), rtol=1e-5)
    np.testing.assert_allclose(terms.kl.asnumpy(), (log_posterior - log_prior).mean(0), rtol=1e-4, atol=1e-5)


def test_iwae_gradient_weighs_each_sample_by_its_importance(rng):
    """Equation 13 of the IWAE paper: the gradient is the sum of those of the log weights, each
    times its normalised weight."""
    vae = small_vae()
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=6)
    data, noise = nd(rng.integers(0, 2, (1, 12)), "float64"), nd(3 * rng.standard_normal((6, 1, 4)), "float64")
    parameters = list(vae.collect_params().values())

    def gradients(compute):
        with mx.autograd.record():
            value = compute()
        value.backward()
        return [parameter.grad().asnumpy() for parameter in parameters]

    weights = scipy.special.softmax([float(log_weight(vae, data, noise[i]).asscalar()) for i in range(6)])
    assert weights.max() < 0.99
    single = [gradients(lambda i=i: log_weight(vae, data, noise[i])) for i in range(6)]
    together = gradients(lambda: bound(data, noise))
    for index, gradient in enumerate(together):
        expected = sum(weight * one[index] for weight, one in zip(weights, single))
        np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-12)
