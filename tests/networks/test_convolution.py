"""Convolutions and upsampling against SciPy, and the spread that layers start with."""

import numpy as np
import pytest
import scipy.signal

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.runtime import mx
from tests.helpers import nd
from tests.tables.bodies import COLOURED, LATENT

nn = mx.gluon.nn


def test_convolution_against_scipy(rng):
    """An encoder layer: correlation with stride 2 of the padded picture, whose colours come last in the data."""
    body = networks.ConvolutionalEncoder(COLOURED, [2], "tanh")
    body.initialize()
    images = rng.standard_normal((2, *COLOURED))
    got = body(nd(images.reshape(2, -1))).asnumpy()
    weight, bias = (parameter.data().asnumpy() for parameter in body.collect_params().values())
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for image, maps in zip(padded, got):
        for kernel, shift, result in zip(weight, bias, maps):
            every = sum(scipy.signal.correlate2d(image[..., c], kernel[c], mode="valid") for c in range(3))
            np.testing.assert_allclose(result, np.tanh(every[::2, ::2] + shift), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_upsampling_against_scipy(upsampling, rng):
    """A decoder layer: convolution of zeros between values (transposed), or correlation of values repeated."""
    body = networks.ConvolutionalDecoder((6, 5), [2], "tanh", upsampling=upsampling)
    body.initialize()
    layers = body.block
    z = nd(rng.standard_normal((3, LATENT)))
    got = body(z).asnumpy()
    maps = layers[1](layers[0](z)).asnumpy()
    layer = next(block for block in layers if isinstance(block, (nn.Conv2D, nn.Conv2DTranspose)))
    weight, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
    assert maps.shape == (3, 2, 3, 3)
    for image, result in zip(maps, got):
        for out in range(2):
            if upsampling == "transposed":
                spread = np.zeros((2, 5, 5))
                spread[:, ::2, ::2] = image
                full = sum(scipy.signal.convolve2d(spread[c], weight[c, out]) for c in range(2))[1:-1, 1:-1]
            else:
                double = image.repeat(2, axis=1).repeat(2, axis=2)
                full = sum(scipy.signal.correlate2d(double[c], weight[out, c], mode="same") for c in range(2))
            np.testing.assert_allclose(result[out], np.tanh(full + bias[out])[:, :5], rtol=1e-5, atol=1e-6)


def test_layers_start_with_the_spread_that_they_are_given():
    """A gate's bias is open, and a transposed convolution of stride 2 and kernel 4, a quarter of whose products meet in
    a pixel, keeps the variance of what it is given."""
    gated = gv.networks.GatedMLP([50], in_units=20)
    gated.initialize(gv.networks.XavierOrUniform())
    assert sorted(np.unique([p.data().asnumpy().mean() for n, p in gated.collect_params("..*bias").items()])) == [0, 2]
    decoder = gv.networks.ConvolutionalDecoder((32, 32), [32, 32])
    decoder.initialize(gv.networks.XavierOrUniform())
    layer = gv.networks.find_block(decoder, nn.Conv2DTranspose)
    maps = nd(np.random.default_rng(0).standard_normal((20, 32, 8, 8)))
    ratio = layer(maps).asnumpy()[:, :, 2:-2, 2:-2].std()
    assert 0.9 < ratio < 1.5
