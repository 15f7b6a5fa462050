"""The source of noise: its distribution, its seed, its state."""

import json

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx


def test_distributions():
    source = gv.noise.NoiseSource(5)
    assert scipy.stats.kstest(source.normal((20_000,)).asnumpy(), "norm").pvalue > 1e-3
    uniform = source.uniform((20_000,)).asnumpy()
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert uniform.max() < 1
    assert sorted(source.permutation(100)) == list(range(100))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtype(dtype):
    assert gv.noise.source.normal((3, 2), dtype=dtype).dtype == np.dtype(dtype)


def test_seed_repeats_noise_order_and_initialisation():
    def draw():
        gv.seed(3)
        vae = gv.construct_vae(data_dims=12, latent_variable_size=4)
        vae.initialize()
        weight = vae.generator.logits.weight.data().asnumpy()
        orthogonal = mx.nd.zeros((4, 4))
        mx.init.Orthogonal()(mx.init.InitDesc("x_weight"), orthogonal)
        source = gv.noise.source
        return weight, orthogonal.asnumpy(), source.normal((5,)).asnumpy(), source.permutation(9)

    for first, second in zip(draw(), draw()):
        np.testing.assert_array_equal(first, second)


def test_state_goes_through_json_and_resumes():
    source = gv.noise.NoiseSource(5)
    source.normal((3,))
    state = json.loads(json.dumps(source.state()))
    expected = source.normal((4,)).asnumpy()
    other = gv.noise.NoiseSource(0)
    other.restore(state)
    np.testing.assert_array_equal(other.normal((4,)).asnumpy(), expected)
