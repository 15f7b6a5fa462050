"""How gradients flow through a model, and that everything is finite."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels, set_mode, small_vae


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_every_parameter_gets_a_gradient(mode, rng):
    vae = small_vae(generator_layer_sizes=[5, 6, 7], infer_layer_sizes=[7, 6, 5])
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    with mx.autograd.record():
        loss = -bound(pixels(rng, 7))
    loss.backward()
    for name, parameter in vae.collect_params().items():
        assert (parameter.grad().asnumpy() != 0).mean() > 0.9, name


def test_the_reconstruction_term_reaches_the_encoder(rng):
    vae = small_vae()
    with mx.autograd.record():
        log_likelihood, _ = vae(pixels(rng, 7))
    log_likelihood.backward()
    for name, parameter in vae.inference_net.collect_params().items():
        assert (parameter.grad().asnumpy() != 0).any(), name


def test_gradients_are_those_of_finite_differences(rng):
    vae = small_vae()
    vae.cast("float64")
    bound = gv.ELBO(vae, beta=0.7)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((7, 4)), "float64")
    with mx.autograd.record():
        total = bound(data, noise).sum()
    total.backward()
    step = 1e-6
    for parameter in vae.collect_params().values():
        values = parameter.data().asnumpy()
        place = tuple(rng.integers(0, size) for size in values.shape)
        sums = []
        for sign in (1, -1):
            moved = values.copy()
            moved[place] += sign * step
            parameter.set_data(nd(moved, "float64"))
            sums.append(float(bound(data, noise).sum().asscalar()))
        parameter.set_data(nd(values, "float64"))
        difference = (sums[0] - sums[1]) / (2 * step)
        assert parameter.grad().asnumpy()[place] == pytest.approx(difference, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
def test_the_network_s_std_stays_positive_and_everything_finite(preactivation, rng):
    vae = small_vae()
    head = vae.inference_net.std_head[-1]
    head.weight.set_data(mx.nd.zeros(head.weight.shape))
    head.bias.set_data(mx.nd.full(head.bias.shape, preactivation))
    data = pixels(rng, 7)
    _, std = vae.inference_net(data)
    expected = max(preactivation, 0) + gv.inference.MIN_STD
    np.testing.assert_allclose(std.asnumpy(), expected, rtol=1e-4)
    for bound in (gv.ELBO(vae), gv.IWAE(vae, samples=3)):
        with mx.autograd.record():
            values = bound(data)
        values.backward()
        assert np.isfinite(values.asnumpy()).all()
        assert all(np.isfinite(p.grad().asnumpy()).all() for p in vae.collect_params().values())
