"""Diagonal Gaussian posteriors: shared layers, and standard deviations."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels
from tests.tables.posteriors import POSTERIORS, make


def test_exp_is_clipped_and_every_layer_shared_as_in_the_iwae_paper(rng):
    net = make("gaussian, as in the IWAE paper", 4, [6, 5])
    assert [layer.weight.shape for layer in net.body if hasattr(layer, "weight")] == [(6, 12), (5, 6)]
    assert len(net.mean_head) == len(net.std_head) == 1
    net.std_head[0].weight.set_data(nd(np.zeros((4, 5))))
    net.std_head[0].bias.set_data(nd([-200, -1, 2, 200]))
    std = net(pixels(rng, 1))[1].asnumpy()[0]
    np.testing.assert_allclose(std, [1e-4, np.exp(-1), np.exp(2), 1e4], rtol=1e-5)


@pytest.mark.parametrize(("shared", "lengths"), [(0, (0, 3)), (1, (1, 2)), (3, (3, 0)), (None, (3, 0))])
def test_so_many_layers_are_shared(shared, lengths):
    net = gv.GaussianInferenceNetwork(4, [7, 6, 5], data_dims=12, shared_layers=shared)
    # a layer and its activation are two; the head ends in a layer
    assert (len(net.body) // 2, (len(net.mean_head) - 1) // 2) == lengths


@pytest.mark.parametrize("std", ["softplus", "exp"])
@pytest.mark.parametrize("name", ["full_covariance", "low_rank", "planar"])
def test_std_is_the_diagonal_one_s(name, std, rng):
    """With the context, the matrices and their biases at 0, standard deviations are those of the transform."""
    latent_type, options = POSTERIORS[name]
    net = gv.inference.POSTERIORS[latent_type](3, [5], data_dims=12, std=std, **options)
    net.initialize(mx.init.Zero())
    for parameter in net.collect_params().values():
        parameter.set_data(0 * parameter.data())
    z = net.posterior(pixels(rng, 1)).rsample(nd(np.ones((1, net.noise.size)))).asnumpy()
    np.testing.assert_allclose(z, 1 if std == "exp" else np.log(2), rtol=1e-3)
