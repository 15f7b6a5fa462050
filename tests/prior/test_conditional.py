"""Priors of each label."""

import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels, small_vae

Y = 3


def test_hidden_layers_of_the_prior(rng):
    """A prior of conditions that are any numbers, against NumPy."""
    vae = small_vae(label_size=Y, prior="conditional", prior_options={"layer_sizes": [6]})
    condition = rng.standard_normal((7, Y))
    bound = gv.ELBO(vae)
    bound(pixels(rng, 7), None, nd(condition))
    for parameter in (vae.prior.mean, vae.prior.log_std):
        parameter.set_data(mx.nd.random.normal(shape=parameter.shape))
    p_z = vae.prior_distribution(nd([0]), nd(condition))
    layer = vae.prior.body[0]
    features = np.tanh(condition @ layer.weight.data().asnumpy().T + layer.bias.data().asnumpy())
    np.testing.assert_allclose(p_z.mean.asnumpy(), features @ vae.prior.mean.data().asnumpy(), rtol=1e-4, atol=1e-5)
    log_std = features @ vae.prior.log_std.data().asnumpy()
    np.testing.assert_allclose(p_z.std.asnumpy(), np.exp(log_std), rtol=1e-4)
