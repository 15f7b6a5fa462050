"""Bodies of residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.types import Block, Operators, Tensor
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .convolution import DenseToMaps, Upsample, cropping, decoder_sizes, normalisation, sequence
from .convolution_layers import Conv2D
from .images import OnImages, ToImages


class ResidualBlock(GraphBlock):
    """A residual block with full pre-activation (He et al. 2016, "Identity mappings in deep residual networks",
    figure 4e).

    Adds to its input two convolutions of it, each after an activation. Maps ``(N, in_channels, H, W)`` to
    ``(N, channels, H, W)``, or to half the height and width.

    Parameters
    ----------
    channels : int
        Channels of the output.
    in_channels : int
        Channels of the input; if they differ, a 1×1 convolution of the input is added instead of the input.
    act_type : str or callable
        Activation before each convolution, see :func:`activation`.
    batch_norm : bool, default False
        Whether the input of each activation is normalised (Ioffe and Szegedy 2015).
    downsample : bool, default False
        Whether height and width are halved, rounded up.

    Raises
    ------
    ValueError
        If the activation is unknown.
    """

    def __init__(
        self, channels: int, in_channels: int, act_type: Activation, batch_norm: bool = False, downsample: bool = False
    ) -> None:
        super().__init__()
        stride = 2 if downsample else 1
        make_activation = activation(act_type)
        with self.name_scope():
            self.residual = sequence()
            for step in (stride, 1):
                layer = Conv2D(channels, 3, strides=step, padding=1, use_bias=not batch_norm)
                self.residual.add(*normalisation(batch_norm), make_activation(), layer)
            same = channels == in_channels and not downsample
            self.shortcut = None if same else Conv2D(channels, 1, strides=stride, use_bias=False)

    def hybrid_forward(self, F: Operators, x: Tensor) -> Tensor:
        return self.residual(x) + (x if self.shortcut is None else self.shortcut(x))


def _stage(
    channels: int, in_channels: int, blocks: int, act_type: Activation, batch_norm: bool, downsample: bool = False
) -> list[Block]:
    """Residual blocks, the first of which may change the number of channels and the size."""
    first = ResidualBlock(channels, in_channels, act_type, batch_norm, downsample)
    others = range(checks.positive_int("blocks", blocks) - 1)
    return [first, *(ResidualBlock(channels, channels, act_type, batch_norm) for _ in others)]


@ENCODERS.register("residual")
class ResidualEncoder(OnImages):
    """Stages of residual blocks.

    Each of the n stages halves height and width, rounded up: maps rows ``(N, X)`` to feature maps
    ``(N, F, H / 2^n, W / 2^n)``. A label is given as for :class:`OnImages`.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : sequence of int, default (32, 64)
        Channels of each stage; at least one.
    act_type : str or callable, default "relu"
        Activation before each convolution, see :func:`activation`.
    batch_norm : bool, default False
        Whether the input of each activation is normalised (Ioffe and Szegedy 2015).
    blocks : int, default 1
        Residual blocks of each stage.

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image, ``layer_sizes`` is empty or has a size that is not positive, ``blocks`` is
        not positive, or the activation is unknown.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 64),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        blocks: int = 1,
    ) -> None:
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        if not sizes:
            raise ValueError("layer_sizes of a residual body must have at least one number of channels, got none")
        layers = sequence(Conv2D(sizes[0], 3, padding=1, use_bias=not batch_norm))
        for in_channels, channels in zip((sizes[0], *sizes), sizes):
            layers.add(*_stage(channels, in_channels, blocks, act_type, batch_norm, downsample=True))
        layers.add(*normalisation(batch_norm), activation(act_type)())
        super().__init__(layers, shape)


@DECODERS.register("residual")
class ResidualDecoder(ToImages):
    """A dense layer to small feature maps, then stages of residual blocks that double height and width.

    Each stage begins with nearest-neighbour upsampling. Maps rows ``(N, D)`` to feature maps ``(N, F, H, W)``.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : sequence of int, default (32, 16)
        Channels of each stage; the small feature maps have as many as the first.
    act_type : str or callable, default "relu"
        Activation before each convolution, see :func:`activation`.
    batch_norm : bool, default False
        Whether the input of each activation is normalised (Ioffe and Szegedy 2015).
    blocks : int, default 1
        Residual blocks of each stage.

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image, ``layer_sizes`` is empty or has a size that is not positive, ``blocks`` is
        not positive, or the activation is unknown.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 16),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        blocks: int = 1,
    ) -> None:
        channels, sizes = decoder_sizes(shape, layer_sizes)
        layers = sequence(DenseToMaps(channels[0], *sizes[0]))
        for in_channels, units, before, size in zip((channels[0], *channels), channels, sizes, sizes[1:]):
            layers.add(Upsample(), *cropping(size, before))
            layers.add(*_stage(units, in_channels, blocks, act_type, batch_norm))
        layers.add(*normalisation(batch_norm), activation(act_type)())
        super().__init__(layers, shape)
