"""Bodies from GluonCV."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from .body import ENCODERS
from .convolution import sequence
from .images import OnImages


@ENCODERS.register("cifar_resnet")
class CifarResNet(OnImages):
    """GluonCV's residual network for CIFAR, without its global average pooling (He et al. 2016).

    The pooling is left out because a latent state has to encode where things are in the picture. Maps rows
    ``(N, X)`` to feature maps ``(N, 64, H / 4, W / 4)``. A label is given as for :class:`OnImages`.

    Parameters
    ----------
    shape : sequence of int
        Shape of an image: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    depth : int, default 20
        Number of layers, 6 n + 2: 20, 56, 110, ...
    version : {1, 2}, default 1
        2 puts batch norm and activation before each convolution.

    Raises
    ------
    ValueError
        If depth or version is none of these, or ``shape`` is not that of an image.
    """

    def __init__(self, shape: Sequence[int], depth: int = 20, version: int = 1) -> None:
        if checks.positive_int("depth", depth) % 6 != 2 or depth < 8:
            raise ValueError(f"depth must be 6 n + 2, such as 20, 56 or 110, got {depth}")
        if version not in (1, 2):
            raise ValueError(f"version must be 1 or 2, got {version!r}")
        # the import takes 0.3 s
        from gluoncv.model_zoo.cifarresnet import get_cifar_resnet

        features = list(get_cifar_resnet(version, depth).features._children.values())
        pooling = next(n for n, block in enumerate(features) if type(block).__name__ == "GlobalAvgPool2D")
        super().__init__(sequence(*features[:pooling]), shape)
