"""The table of bodies: a row each, on small pictures with an odd side."""

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.networks import (
    CifarResNet,
    ConvolutionalDecoder,
    ConvolutionalEncoder,
    GatedMLP,
    OnImages,
    ResidualDecoder,
    ResidualEncoder,
    ToImages,
)

nn = mx.gluon.nn
SHAPE = (6, 5)
COLOURED = (4, 6, 3)
LATENT = 3


def _own_encoder():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(3, 3, activation="tanh"), nn.GlobalAvgPool2D())
    return OnImages(net, SHAPE)


def _own_decoder(channels=2, shape=SHAPE):
    net = nn.HybridSequential()
    net.add(
        nn.Dense(channels * shape[0] * shape[1], activation="tanh"),
        nn.HybridLambda(lambda F, x: F.reshape(x, shape=(-1, channels, *shape[:2]))),
    )
    return net


def _own_flat():
    net = nn.HybridSequential()
    net.add(nn.Dense(7, activation="tanh"), nn.LayerNorm())
    return net


# name: (shape of an image, makes the encoder, makes the decoder)
BODIES = {
    "gated_mlp": (SHAPE, lambda: GatedMLP([6, 5]), lambda: GatedMLP([5, 6])),
    "conv": (
        SHAPE,
        lambda: ConvolutionalEncoder(SHAPE, [3, 4], "tanh"),
        lambda: ConvolutionalDecoder(SHAPE, [4, 3], "tanh"),
    ),
    "conv, resize": (
        SHAPE,
        lambda: ConvolutionalEncoder(SHAPE, [3], "softsign"),
        lambda: ConvolutionalDecoder(SHAPE, [3], "tanh", upsampling="resize"),
    ),
    "conv, batch norm": (
        SHAPE,
        lambda: ConvolutionalEncoder(SHAPE, [3, 4], "tanh", batch_norm=True),
        lambda: ConvolutionalDecoder(SHAPE, [4, 3], "tanh", batch_norm=True),
    ),
    "conv, colours last": (
        COLOURED,
        lambda: ConvolutionalEncoder(COLOURED, [3], "tanh"),
        lambda: ConvolutionalDecoder(COLOURED, [3], "tanh"),
    ),
    "residual": (
        SHAPE,
        lambda: ResidualEncoder(SHAPE, [2, 3], "tanh", blocks=2),
        lambda: ResidualDecoder(SHAPE, [3, 2], "tanh", blocks=2),
    ),
    "residual, batch norm": (
        SHAPE,
        lambda: ResidualEncoder(SHAPE, [2, 3], "tanh", batch_norm=True),
        lambda: ResidualDecoder(SHAPE, [3, 2], "tanh", batch_norm=True),
    ),
    "own": (SHAPE, _own_encoder, _own_decoder),
    "own, flat": (SHAPE, _own_flat, _own_flat),
    "own, colours last": (
        COLOURED,
        lambda: ConvolutionalEncoder(COLOURED, [3], "tanh"),
        lambda: ToImages(_own_decoder(2, COLOURED), COLOURED),
    ),
}
# deep, so slow: in few tests
DEEP = {
    "cifar_resnet, v1": (SHAPE, lambda: CifarResNet(SHAPE, depth=8), _own_decoder),
    "cifar_resnet, v2": (SHAPE, lambda: CifarResNet(SHAPE, depth=8, version=2), _own_decoder),
}
BATCH_NORM = [name for name in (*BODIES, *DEEP) if "batch norm" in name or name in DEEP]


def size(name):
    """X."""
    shape = {**BODIES, **DEEP}[name][0]
    return int(mx.nd.zeros(shape).size)


def make(name, likelihood=gv.ProductOfBernoullisGenerator, **options):
    """A model whose two halves are that row's, initialised."""
    _, encoder, decoder = {**BODIES, **DEEP}[name]
    vae = gv.VAE(likelihood(size(name), decoder(), **options), gv.GaussianInferenceNetwork(LATENT, encoder()))
    vae.initialize()
    return vae
