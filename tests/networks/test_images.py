"""Rows of data as pictures: sizes, where colours and labels are, heads on maps."""

import numpy as np
import pytest

from gluonvae import networks
from gluonvae.backend.runtime import mx
from tests.helpers import nd
from tests.tables import bodies
from tests.tables.bodies import LATENT

nn = mx.gluon.nn


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (3, 32, 32), (784,)])
@pytest.mark.parametrize("kinds", ["conv", "resize", "residual", "cifar_resnet"])
def test_sizes_of_real_images(kinds, shape):
    X, (colours, side) = int(np.prod(shape)), ((3, 32) if 3 in shape else (1, 28))
    encoder = {
        "residual": networks.ResidualEncoder,
        "cifar_resnet": lambda shape, sizes: networks.CifarResNet(shape, depth=8),
    }.get(kinds, networks.ConvolutionalEncoder)(shape, [2, 4])
    channels = 64 if kinds == "cifar_resnet" else 4
    assert networks.traced(encoder, X).features == (channels, side // 4, side // 4)
    if kinds == "cifar_resnet":
        return
    if kinds == "residual":
        decoder = networks.ResidualDecoder(shape, [4, 2])
    else:
        decoder = networks.ConvolutionalDecoder(shape, [4, 2], upsampling="transposed" if kinds == "conv" else "resize")
    assert networks.traced(decoder, 9) == ((2, side, side), (2 if kinds == "conv" else 4) * side**2)
    assert decoder.layout[:3] == (colours, side, side)


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 3), (0, 3, 1, 2)), ((3, 2, 3), (0, 1, 2, 3))])
def test_colours_are_where_the_data_has_them(shape, axes, rng):
    """A picture whose colours come first or last is seen as channels, and a generator's channels come back there."""
    layout = networks.Layout.of(shape)
    images = rng.standard_normal((4, *shape))
    maps = layout.maps(nd(images.reshape(4, -1)))
    np.testing.assert_array_equal(maps.asnumpy(), nd(images.transpose(axes)).asnumpy())
    np.testing.assert_array_equal(layout.rows(maps).asnumpy(), nd(images).reshape((4, -1)).asnumpy())
    two = layout.rows(mx.nd.concat(maps, 2 * maps, dim=1)).asnumpy()
    flat = nd(images).reshape((4, -1)).asnumpy()
    np.testing.assert_array_equal(two, np.concatenate([flat, 2 * flat], axis=1))


def test_a_head_on_maps_is_a_linear_layer_of_each_pixel(rng):
    generator = bodies.make("conv, colours last").generator
    z = nd(rng.standard_normal((2, LATENT)))
    maps = generator.body(z).asnumpy()
    weight, bias = (p.data().asnumpy() for p in generator.logits_head.collect_params().values())
    expected = np.einsum("nfhw,cf->nhwc", maps, weight[:, :, 0, 0]) + bias
    np.testing.assert_allclose(generator(z).asnumpy(), expected.reshape(2, -1), rtol=1e-4, atol=1e-6)
