"""Batch norm and dropout: running statistics by hand, and where they are refused."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base as objectives
from tests.helpers import MODES, nd, pixels, set_mode
from tests.tables import bodies
from tests.tables.bodies import LATENT

nn = mx.gluon.nn


def statistics(net):
    return [p.data().asnumpy() for name, p in net.collect_params().items() if "running" in name]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gradient", ["standard", "dreg"])
def test_running_statistics_by_hand(mode, gradient, rng):
    """Of the maps of all k B rows, once a step, also where the samples go through the model twice."""
    vae = bodies.make("conv, batch norm")
    bound = gv.IWAE(vae, samples=3, gradient=gradient)
    set_mode(bound, mode)
    mean, variance = np.zeros(4), np.ones(4)
    for _ in range(3):
        data, noise = pixels(rng, 5, 30), nd(rng.standard_normal((3, 5, LATENT)))
        latent_state = vae.inference_net.sample_latent_state(*_in_training(vae.inference_net, data), noise=noise)
        with mx.autograd.record():
            loss = bound(data, noise).sum()
        loss.backward()
        first = vae.generator.body.body.block[0]
        maps = first(latent_state.reshape((15, LATENT))).asnumpy().astype("float64")
        mean = 0.9 * mean + 0.1 * maps.mean(axis=(0, 2, 3))
        variance = 0.9 * variance + 0.1 * maps.var(axis=(0, 2, 3))
    got = statistics(vae.generator)[:2]
    np.testing.assert_allclose(got[0], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got[1], variance, rtol=1e-4)


def _in_training(net, data):
    with mx.autograd.train_mode():
        return net(data)


def test_batch_norm_in_chunks_is_refused(rng, monkeypatch):
    """Chunk by chunk a batch has other statistics: in training that is another bound. Outside, it is the same."""
    vae = bodies.make("conv, batch norm")
    bound = gv.IWAE(vae, samples=6)
    data, noise = pixels(rng, 5, 30), nd(rng.standard_normal((6, 5, LATENT)))
    whole = bound(data, noise).asnumpy()
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 1)
    np.testing.assert_allclose(bound(data, noise).asnumpy(), whole, rtol=1e-5)
    with pytest.raises(ValueError, match=r"BatchNorm.*6 samples of 5.*fewer samples.*without it"):  # noqa: SIM117
        with mx.autograd.record():
            bound(data, noise)


def test_dropout_in_chunks_is_refused(rng, monkeypatch):
    """A chunk is computed again for its gradient, which would be that of another draw."""
    body = nn.HybridSequential()
    body.add(nn.Dense(5, in_units=LATENT), nn.Dropout(0.5))
    vae = gv.VAE(
        gv.ProductOfBernoullisGenerator(30, body, latent_variable_size=LATENT), gv.GaussianInferenceNetwork(LATENT, [3])
    )
    vae.initialize()
    bound, data = gv.IWAE(vae, samples=6), pixels(rng, 5, 30)
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 1)
    assert bound(data).shape == (5,)
    with pytest.raises(ValueError, match=r"Dropout draws anew.*without it"):  # noqa: SIM117
        with mx.autograd.record():
            bound(data)


def test_dropout_in_two_passes_is_refused():
    body = nn.HybridSequential()
    body.add(nn.Dense(5, in_units=LATENT), nn.Dropout(0.5))
    generator = gv.ProductOfBernoullisGenerator(30, body, latent_variable_size=LATENT)
    with pytest.raises(ValueError, match=r"'dreg' is made of two passes, in each of which Dropout draws anew"):
        gv.IWAE(gv.VAE(generator, gv.GaussianInferenceNetwork(LATENT, [3])), samples=2, gradient="dreg")
