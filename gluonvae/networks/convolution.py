"""Bodies of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.runtime import mx
from ..backend.types import Block, Operators, Tensor
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .convolution_layers import Conv2D, Conv2DTranspose
from .dense import Dense
from .images import Layout, OnImages, ToImages
from .in_turn import InTurn

nn = mx.gluon.nn


def sequence(*blocks: Block) -> InTurn:
    """Chain blocks.

    Parameters
    ----------
    *blocks : Block
        In the order in which they are applied.

    Returns
    -------
    InTurn
        The chain.
    """
    net = InTurn()
    net.add(*blocks)
    return net


def normalisation(batch_norm: bool) -> list[Block]:
    """Create the optional batch norm of a layer (Ioffe and Szegedy 2015).

    Parameters
    ----------
    batch_norm : bool
        Whether there is one.

    Returns
    -------
    list of Block
        A BatchNorm, or nothing.
    """
    return [nn.BatchNorm()] if checks.boolean("batch_norm", batch_norm) else []


@ENCODERS.register("conv")
class ConvolutionalEncoder(OnImages):
    """Convolutions of stride 2.

    Each of the n layers halves height and width, rounded up: maps rows ``(N, X)`` to feature maps
    ``(N, F, H / 2^n, W / 2^n)``. A label is given as for :class:`OnImages`.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : sequence of int, default (32, 64)
        Channels of each layer.
    act_type : str or callable, default "relu"
        Activation of each layer, see :func:`activation`.
    batch_norm : bool, default False
        Whether each layer is normalised before its activation (Ioffe and Szegedy 2015).

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image, a size is not positive, or the activation is unknown.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 64),
        act_type: Activation = "relu",
        batch_norm: bool = False,
    ) -> None:
        make_activation = activation(act_type)
        layers = sequence()
        for channels in checks.layer_sizes("layer_sizes", layer_sizes):
            layer = Conv2D(channels, 3, strides=2, padding=1, use_bias=not batch_norm)
            layers.add(layer, *normalisation(batch_norm), make_activation())
        super().__init__(layers, shape)


class DenseToMaps(GraphBlock):
    """A dense layer whose output is reshaped: maps rows ``(N, D)`` to feature maps ``(N, C, H, W)``.

    Parameters
    ----------
    channels, height, width : int
        C, H and W.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.shape = (0, channels, height, width)
        with self.name_scope():
            self.layer = Dense(channels * height * width)

    def hybrid_forward(self, F: Operators, rows: Tensor) -> Tensor:
        return F.reshape(self.layer(rows), shape=self.shape)


class Upsample(GraphBlock):
    """Nearest-neighbour upsampling by 2: maps ``(N, C, H, W)`` to ``(N, C, 2 H, 2 W)``."""

    def hybrid_forward(self, F: Operators, maps: Tensor) -> Tensor:
        return F.UpSampling(maps, scale=2, sample_type="nearest")


def _transposed(channels: int, **options: Any) -> list[Block]:
    # the kernel is a multiple of the stride, so that every pixel is a sum of as many products: a quarter of those
    # that Xavier counts
    spread = mx.init.Xavier(magnitude=4 * 3)
    return [Conv2DTranspose(channels, 4, strides=2, padding=1, weight_initializer=spread, **options)]


def _resize(channels: int, **options: Any) -> list[Block]:
    return [Upsample(), Conv2D(channels, 3, padding=1, **options)]


UPSAMPLINGS: dict[str, Callable[..., list[Block]]] = {"transposed": _transposed, "resize": _resize}
"""Layers that double height and width by name: a transposed convolution (Radford, Metz and Chintala 2016), or
nearest-neighbour upsampling and a convolution (Odena, Dumoulin and Olah 2016)."""


def decoder_sizes(shape: Sequence[int], layer_sizes: Sequence[int]) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Plan the stages of a decoder of images, each of which doubles height and width.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image, see :meth:`Layout.of`.
    layer_sizes : sequence of int
        Channels of each stage.

    Returns
    -------
    channels : tuple of int
        Channels of each stage.
    sizes : list of tuple of int
        Height and width of the input of the first stage, then of the output of each stage.

    Raises
    ------
    ValueError
        If there is no stage.
    """
    channels = checks.layer_sizes("layer_sizes", layer_sizes)
    if not channels:
        raise ValueError("layer_sizes of a decoder of images must have at least one number of channels, got none")
    layout, divisors = Layout.of(shape), [2**n for n in range(len(channels), -1, -1)]
    # rounded up
    return channels, [(-(-layout.height // divisor), -(-layout.width // divisor)) for divisor in divisors]


def cropping(size: tuple[int, int], before: tuple[int, int]) -> list[Block]:
    """Create the crop after doubling height and width, if one is needed.

    Parameters
    ----------
    size : tuple of int
        Height and width of the output.
    before : tuple of int
        Height and width before doubling.

    Returns
    -------
    list of Block
        A block that keeps the upper left part of maps, or nothing.
    """
    if size == (2 * before[0], 2 * before[1]):
        return []
    return [_Cropped(size)]


class _Cropped(mx.gluon.HybridBlock):
    """The upper left part of maps."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def hybrid_forward(self, F: Operators, maps: Tensor) -> Tensor:
        return F.slice(maps, begin=(None, None, 0, 0), end=(None, None, *self.size))


@DECODERS.register("conv")
class ConvolutionalDecoder(ToImages):
    """A dense layer to small feature maps, then convolutional layers that double height and width.

    Maps rows ``(N, D)`` to feature maps ``(N, F, H, W)``.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : sequence of int, default (32, 16)
        Channels of each convolutional layer; the small feature maps have as many as the first.
    act_type : str or callable, default "relu"
        Activation of each layer, see :func:`activation`.
    batch_norm : bool, default False
        Whether each layer is normalised before its activation (Ioffe and Szegedy 2015).
    upsampling : {"transposed", "resize"}, default "transposed"
        How height and width are doubled, see :data:`UPSAMPLINGS`.

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image, ``layer_sizes`` is empty or has a size that is not positive, or the
        activation or the upsampling is unknown.
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
        channels, sizes = decoder_sizes(shape, layer_sizes)
        layers = sequence(DenseToMaps(channels[0], *sizes[0]), *normalisation(batch_norm), make_activation())
        for units, before, size in zip(channels, sizes, sizes[1:]):
            layers.add(*upsample(units, use_bias=not batch_norm), *normalisation(batch_norm), make_activation())
            layers.add(*cropping(size, before))
        super().__init__(layers, shape)
