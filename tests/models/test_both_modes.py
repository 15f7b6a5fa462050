"""A model and its halves in every mode."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import MODES, nd, pixels, set_mode, small_vae


@pytest.mark.parametrize("layers", [[], [7], [7, 6, 5]])
def test_model_and_its_halves(layers, rng):
    vae = small_vae(generator_layer_sizes=layers, infer_layer_sizes=layers)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))

    def outputs():
        mean, std = vae.inference_net(data)
        latent_state = vae.inference_net.sample_latent_state(mean, std, noise=noise)
        return [
            x.asnumpy()
            for x in (
                *vae(data, noise),
                mean,
                std,
                vae.generator(latent_state),
                vae.generator.log_likelihood(latent_state, data),
            )
        ]

    expected = outputs()
    for mode in MODES:
        set_mode(vae, mode)
        for got, want in zip(outputs(), expected):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_outputs_of_one_call_survive_the_next(mode, rng):
    bound = gv.ELBO(small_vae())
    set_mode(bound, mode)
    first_data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    first = bound(first_data, noise)
    before = first.asnumpy()
    bound(1 - first_data, noise)
    np.testing.assert_array_equal(first.asnumpy(), before)
