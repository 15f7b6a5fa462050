"""The ELBO against float64 NumPy."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd, pixels, small_vae
from tests.truths.small_vae import log_weights


@pytest.mark.parametrize("samples", [1, 3])
def test_elbo(samples, rng):
    vae = small_vae()
    data, noise = pixels(rng, 7), nd(rng.standard_normal((samples, 7, 4)))
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    kl = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(-1)
    log_likelihood = log_weights(vae, data, noise)[0].mean(0)
    terms = gv.ELBO(vae, beta=4, samples=samples).terms(data, noise if samples > 1 else noise[0])
    np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - 4 * kl, rtol=1e-5)
    np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl, rtol=1e-5)
    np.testing.assert_allclose(terms.log_likelihood.asnumpy(), log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(terms.kl.asnumpy(), kl, rtol=1e-4)
