"""A model of a user's own halves."""

import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import pixels, set_mode


class MeanOnly(gv.InferenceNetwork):
    """A user's own posterior, with one parameter."""

    def __init__(self):
        super().__init__(4, data_dims=12)
        with self.name_scope():
            self.mean = mx.gluon.nn.Dense(4, flatten=False)

    def hybrid_forward(self, F, data):
        return self.mean(data)

    def distribution(self, mean):
        return gv.Normal(mean, mean * 0 + 1)


class WithVector(gv.ProductOfBernoullisGenerator):
    """A user's own likelihood with a learned vector, and an operator of several outputs."""

    def __init__(self):
        super().__init__(12, [5])
        with self.name_scope():
            self.scale = self.params.get("scale", shape=(12,))

    def hybrid_forward(self, F, latent_state, scale):
        first, second = F.split(super().hybrid_forward(F, latent_state), num_outputs=2, axis=-1)
        return F.broadcast_mul(F.concat(first, second, dim=-1), scale)


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_halves_of_a_user_s_own(mode, rng):
    vae = gv.GaussianVAE(WithVector(), MeanOnly(), kl_divergence=gv.diagonal_gaussian_kl)
    vae.initialize()
    bound = gv.IWAE(vae, samples=3)
    set_mode(bound, mode)
    set_mode(vae, mode)
    (mean,) = vae.inference_net(pixels(rng, 7))
    assert mean.shape == (7, 4)
    assert bound(pixels(rng, 7)).shape == (7,)
    assert "split" in gv.summary(bound)
