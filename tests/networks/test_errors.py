"""Bodies that do not fit are refused with their shapes."""

import pytest

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.runtime import mx
from tests.helpers import pixels, set_mode
from tests.tables import bodies
from tests.tables.bodies import LATENT, SHAPE

nn = mx.gluon.nn


def _conv():
    return nn.Conv2D(3, 3)


def _reshaped(*shape):
    return nn.HybridLambda(lambda F, x: F.reshape(x, shape=shape))


class Plain(mx.gluon.Block):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("error", "message", "make"),
    [
        (ValueError, r"Conv2D does not fit its input, rows \(N, 30\).*OnImages", lambda: _net(_conv(), data_dims=30)),
        (ValueError, r"is for rows of 30 values.*given \(N, 31\)", lambda: _net(networks.OnImages(_conv(), SHAPE), data_dims=31)),
        (ValueError, r"input \(N, 30\), got \(N, 3, 10\)", lambda: _net(_reshaped(-1, 3, 10), data_dims=30)),
        (ValueError, r"got \(2 N, 15\)", lambda: _net(_reshaped(-1, 15), data_dims=30)),
        (ValueError, "'Symbol' object has no attribute 'shape'", lambda: _net(nn.HybridLambda(lambda F, x: x + x.shape[0]), data_dims=30)),
        (ValueError, "one tensor of features.*got 2 of them", lambda: _net(nn.HybridLambda(lambda F, x: F.split(x, num_outputs=2)), data_dims=30)),
        (TypeError, r"must be a HybridBlock, got Plain", lambda: _net(Plain())),
        (TypeError, "layer_sizes must be a list of layer widths", lambda: _net(nn.Dense)),
        (ValueError, r"maps \(N, 2, 6, 5\): 31 values are no whole number of channels of 6×5", lambda: gv.ProductOfBernoullisGenerator(31, bodies._own_decoder())),
        (ValueError, r"maps \(N, 4, 6, 5\) for images of 1 channels of 6×5, and a data point has 60", lambda: gv.ProductOfBernoullisGenerator(60, networks.ConvolutionalDecoder(SHAPE, [4]))),
        (ValueError, "pass latent_variable_size", lambda: gv.ProductOfBernoullisGenerator(30, nn.Dense(5, in_units=4))),
        (ValueError, r"does not fit its input, rows \(N, 3\)", lambda: gv.ProductOfBernoullisGenerator(30, nn.Dense(5, in_units=4), latent_variable_size=3)),
        (ValueError, "shape must be that of a picture", lambda: networks.ConvolutionalEncoder((7,))),
        (ValueError, "at least one number of channels", lambda: networks.ConvolutionalDecoder(SHAPE, [])),
        (ValueError, "at least one number of channels", lambda: networks.ResidualEncoder(SHAPE, [])),
        (ValueError, "upsampling must be one of resize, transposed", lambda: networks.ConvolutionalDecoder(SHAPE, upsampling="bilinear")),
        (ValueError, r"depth must be 6 n \+ 2", lambda: networks.CifarResNet(SHAPE, depth=21)),
        (ValueError, "version must be 1 or 2", lambda: networks.CifarResNet(SHAPE, version=3)),
        (ValueError, "blocks must be positive", lambda: networks.ResidualEncoder(SHAPE, blocks=0)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_shapes(error, message, make):
    with pytest.raises(error, match=message):
        make()


def _net(body, **sizes):
    return gv.GaussianInferenceNetwork(LATENT, body, **sizes)


def test_what_does_not_fit_is_refused_where_sizes_are_known(rng):
    generator = gv.ProductOfBernoullisGenerator(30, bodies._own_decoder())
    with pytest.raises(ValueError, match=r"Conv2D does not fit its input, rows \(N, 30\)"):
        gv.VAE(generator, _net(_conv()))
    net = _net(_conv())
    net.initialize()
    for mode in ("imperative", "hybrid"):
        set_mode(net, mode)
        with pytest.raises(ValueError, match=r"Conv2D does not fit its input, rows \(N, 30\)"):
            net(pixels(rng, 2, 30))
