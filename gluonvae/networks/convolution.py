"""Bodies of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .dense import Dense
from .images import Layout, OnImages, ToImages

nn = mx.gluon.nn


def sequence(*blocks: Any) -> Any:
    """The blocks one after another."""
    net = nn.HybridSequential()
    net.add(*blocks)
    return net


def finished(layer: Any, batch_norm: bool, make_activation: Callable[[], Any]) -> list[Any]:
    """A layer of maps with batch norm, if any, and its activation."""
    return [layer, *([nn.BatchNorm()] if batch_norm else []), make_activation()]


def halvings(layout: Layout, times: int) -> list[tuple[int, int]]:
    """The height and width of an image, then of its half, rounded up, and so on: ``times`` halves."""
    sizes = [(layout.height, layout.width)]
    for _ in range(times):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


@ENCODERS.register("conv")
class ConvolutionalEncoder(OnImages):
    """Convolutions each of which halves the picture: rows ``(N, X)`` to maps ``(N, F, H / 2^n, W / 2^n)``.

    Parameters
    ----------
    shape : of an image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : channels of each layer.
    act_type : see :func:`gluonvae.networks.activation`.
    batch_norm : normalise each layer before its activation (Ioffe and Szegedy 2015).
    label_size : see :class:`OnImages`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 64),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        label_size: int = 0,
    ) -> None:
        make_activation = activation(act_type)
        layers = sequence()
        for channels in checks.layer_sizes("layer_sizes", layer_sizes):
            # rounded up, as 28, 14, 7, 4
            layer = nn.Conv2D(channels, 3, strides=2, padding=1, use_bias=not batch_norm)
            layers.add(*finished(layer, batch_norm, make_activation))
        super().__init__(layers, shape, label_size)


class FirstMaps(mx.gluon.HybridBlock):
    """A linear layer from rows ``(N, D)`` to maps ``(N, C, H, W)``."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (0, channels, height, width)
        with self.name_scope():
            self.layer = Dense(channels * height * width)

    def hybrid_forward(self, F: Any, rows: Tensor) -> Tensor:
        return F.reshape(self.layer(rows), shape=self.shape)


class Cropped(mx.gluon.HybridBlock):
    """Maps without the rows and columns beyond ``height`` and ``width``."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = height, width

    def hybrid_forward(self, F: Any, maps: Tensor) -> Tensor:
        height, width = self.size
        return F.slice(maps, begin=(None, None, 0, 0), end=(None, None, height, width))


class Doubled(mx.gluon.HybridBlock):
    """Maps with each value in the place of four."""

    def hybrid_forward(self, F: Any, maps: Tensor) -> Tensor:
        return F.UpSampling(maps, scale=2, sample_type="nearest")


def _transposed(channels: int, **options: Any) -> list[Any]:
    # a kernel that is a multiple of the stride: each pixel is of as many products as another, a quarter of what
    # Xavier counts
    spread = mx.init.Xavier(magnitude=4 * 3)
    return [nn.Conv2DTranspose(channels, 4, strides=2, padding=1, weight_initializer=spread, **options)]


def _resize(channels: int, **options: Any) -> list[Any]:
    return [Doubled(), nn.Conv2D(channels, 3, padding=1, **options)]


UPSAMPLINGS: dict[str, Callable[..., list[Any]]] = {"transposed": _transposed, "resize": _resize}
"""How a layer doubles a picture, by name: a transposed convolution (Radford, Metz and Chintala 2016), or a
convolution of the picture with each pixel in the place of four (Odena, Dumoulin and Olah 2016)."""


def decoder_sizes(shape: Sequence[int], layer_sizes: Sequence[int]) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Channels of each stage of a decoder, and the height and width that it begins with, then of each stage."""
    channels = checks.layer_sizes("layer_sizes", layer_sizes)
    if not channels:
        raise ValueError("layer_sizes of a decoder of images must have at least one number of channels, got none")
    return channels, halvings(Layout.of(shape), len(channels))[::-1]


def cropped_to(size: tuple[int, int], before: tuple[int, int]) -> list[Any]:
    """What makes ``size`` of the double of ``before``."""
    return [] if size == (2 * before[0], 2 * before[1]) else [Cropped(*size)]


@DECODERS.register("conv")
class ConvolutionalDecoder(ToImages):
    """A linear layer to small maps, and layers each of which doubles them: rows ``(N, D)`` to maps ``(N, F, H, W)``.

    Parameters
    ----------
    shape : of an image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : channels of each layer; the small maps have as many as the first.
    act_type : see :func:`gluonvae.networks.activation`.
    batch_norm : normalise each layer before its activation.
    upsampling : one of :data:`UPSAMPLINGS`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 16),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        upsampling: str = "transposed",
    ) -> None:
        make_activation = activation(act_type)
        upsample = UPSAMPLINGS[checks.known_name("upsampling", upsampling, UPSAMPLINGS)]
        sizes, (first, *others) = decoder_sizes(shape, layer_sizes)
        layers = sequence(*finished(FirstMaps(sizes[0], *first), batch_norm, make_activation))
        for channels, before, size in zip(sizes, (first, *others), others):
            *resize, layer = upsample(channels, use_bias=not batch_norm)
            layers.add(*resize, *finished(layer, batch_norm, make_activation), *cropped_to(size, before))
        super().__init__(layers, shape)
