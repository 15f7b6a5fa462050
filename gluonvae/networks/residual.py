"""Bodies of residual blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from .activations import Activation, activation
from .body import DECODERS, ENCODERS
from .convolution import Doubled, FirstMaps, cropped_to, decoder_sizes, sequence
from .images import OnImages, ToImages

nn = mx.gluon.nn


class ResidualBlock(mx.gluon.HybridBlock):
    """x and two convolutions of it, each after its activation, added up (He et al. 2016, "Identity mappings in
    deep residual networks", figure 4e).

    Parameters
    ----------
    channels, in_channels : of what comes out and goes in; where they differ, x is mapped by a 1×1 convolution.
    act_type : see :func:`gluonvae.networks.activation`.
    batch_norm : normalise before each activation.
    halves : whether height and width are halved, rounded up.
    """

    def __init__(
        self, channels: int, in_channels: int, act_type: Activation, batch_norm: bool = False, halves: bool = False
    ) -> None:
        super().__init__()
        stride = 2 if halves else 1
        make_activation = activation(act_type)
        with self.name_scope():
            self.residual = sequence()
            for step in (stride, 1):
                layer = nn.Conv2D(channels, 3, strides=step, padding=1, use_bias=not batch_norm)
                self.residual.add(*_normalised(batch_norm), make_activation(), layer)
            same = channels == in_channels and not halves
            self.shortcut = None if same else nn.Conv2D(channels, 1, strides=stride, use_bias=False)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.residual(x) + (x if self.shortcut is None else self.shortcut(x))


def _normalised(batch_norm: bool) -> list[Any]:
    return [nn.BatchNorm()] if batch_norm else []


def _stage(
    channels: int, in_channels: int, blocks: int, act_type: Activation, batch_norm: bool, halves: bool = False
) -> list[Any]:
    """Residual blocks, the first of which may change channels and size."""
    first = ResidualBlock(channels, in_channels, act_type, batch_norm, halves)
    others = range(checks.positive_int("blocks", blocks) - 1)
    return [first, *(ResidualBlock(channels, channels, act_type, batch_norm) for _ in others)]


@ENCODERS.register("residual")
class ResidualEncoder(OnImages):
    """Residual blocks, in stages each of which halves the picture: rows ``(N, X)`` to maps
    ``(N, F, H / 2^n, W / 2^n)``.

    Parameters
    ----------
    shape : of an image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : channels of each stage, at least one.
    act_type : see :func:`gluonvae.networks.activation`.
    batch_norm : normalise before each activation (Ioffe and Szegedy 2015).
    blocks : of a stage.
    label_size : see :class:`OnImages`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 64),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        blocks: int = 1,
        label_size: int = 0,
    ) -> None:
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        if not sizes:
            raise ValueError("layer_sizes of a residual body must have at least one number of channels, got none")
        layers = sequence(nn.Conv2D(sizes[0], 3, padding=1, use_bias=not batch_norm))
        for in_channels, channels in zip((sizes[0], *sizes), sizes):
            layers.add(*_stage(channels, in_channels, blocks, act_type, batch_norm, halves=True))
        layers.add(*_normalised(batch_norm), activation(act_type)())
        super().__init__(layers, shape, label_size)


@DECODERS.register("residual")
class ResidualDecoder(ToImages):
    """A linear layer to small maps, and stages each of which doubles them, each value in the place of four, before
    its residual blocks: rows ``(N, D)`` to maps ``(N, F, H, W)``.

    Parameters
    ----------
    shape : of an image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    layer_sizes : channels of each stage; the small maps have as many as the first.
    act_type : see :func:`gluonvae.networks.activation`.
    batch_norm : normalise before each activation.
    blocks : of a stage.
    """

    def __init__(
        self,
        shape: Sequence[int],
        layer_sizes: Sequence[int] = (32, 16),
        act_type: Activation = "relu",
        batch_norm: bool = False,
        blocks: int = 1,
    ) -> None:
        sizes, (first, *others) = decoder_sizes(shape, layer_sizes)
        layers = sequence(FirstMaps(sizes[0], *first))
        stages = zip((sizes[0], *sizes), sizes, (first, *others), others)
        for in_channels, channels, before, size in stages:
            layers.add(Doubled(), *cropped_to(size, before))
            layers.add(*_stage(channels, in_channels, blocks, act_type, batch_norm))
        layers.add(*_normalised(batch_norm), activation(act_type)())
        super().__init__(layers, shape)
