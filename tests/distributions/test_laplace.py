"""Draws of a Laplace distribution carry gradients."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd


def test_laplace_rsample_carries_the_gradient(rng):
    mean, scale, noise = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3))), rng.random((4, 3))
    for tensor in (mean, scale):
        tensor.attach_grad()
    with mx.autograd.record():
        gv.Laplace(mean, scale).rsample(nd(noise)).backward()
    np.testing.assert_allclose(mean.grad.asnumpy(), 1)
    np.testing.assert_allclose(scale.grad.asnumpy(), scipy.stats.laplace.ppf(noise), rtol=1e-4)
