"""Bodies of other people's networks."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from .body import ENCODERS
from .convolution import sequence
from .images import OnImages


@ENCODERS.register("cifarResNet")
class CifarResNet(OnImages):
    """GluonCV's residual network for CIFAR (He et al. 2016), batch norm and all, without its average over the places
    of the picture, which a latent state has to know of: rows ``(N, X)`` to maps ``(N, 64, H / 4, W / 4)``.

    Parameters
    ----------
    shape : of an image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``.
    depth : of its layers, 6 n + 2: 20, 56, 110, ...
    version : 1, or 2 with the activation before each convolution.
    label_size : see :class:`OnImages`.
    """

    def __init__(self, shape: Sequence[int], depth: int = 20, version: int = 1, label_size: int = 0) -> None:
        if checks.positive_int("depth", depth) % 6 != 2 or depth < 8:
            raise ValueError(f"depth must be 6 n + 2, such as 20, 56 or 110, got {depth}")
        if version not in (1, 2):
            raise ValueError(f"version must be 1 or 2, got {version!r}")
        # takes 0.3 s
        from gluoncv.model_zoo.cifarresnet import get_cifar_resnet

        features = list(get_cifar_resnet(version, depth).features._children.values())
        pooling = next(n for n, block in enumerate(features) if type(block).__name__ == "GlobalAvgPool2D")
        super().__init__(sequence(*features[:pooling]), shape, label_size)
