"""Bodies between rows of values and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import checks
from ..backend.operators import Tensor, namespace
from ..backend.runtime import mx
from .dense import Dense


class Layout(NamedTuple):
    """How the X values of a row are a picture."""

    channels: int
    height: int
    width: int
    channels_last: bool = False

    @classmethod
    def of(cls, shape: Sequence[int]) -> Layout:
        """Of images of ``shape``, as :attr:`gluonvae.data.Dataset.shape` has it: ``(H, W)``; ``(C, H, W)`` where C
        is 1 or 3, else ``(H, W, C)``; or ``(X,)``, a square. Raises ValueError for another."""
        shape = checks.layer_sizes("shape", shape)
        if len(shape) == 1 and math.isqrt(shape[0]) ** 2 == shape[0]:
            return cls(1, math.isqrt(shape[0]), math.isqrt(shape[0]))
        if len(shape) == 2:
            return cls(1, *shape)
        if len(shape) == 3:
            return cls(*shape) if shape[0] in (1, 3) else cls(shape[2], *shape[:2], channels_last=True)
        raise ValueError(
            f"shape must be that of a picture, (H, W), (H, W, C) or (C, H, W), got {shape}: a body of dense layers "
            "needs no pictures"
        )

    @property
    def values(self) -> int:
        """X."""
        return self.channels * self.height * self.width

    def maps(self, rows: Tensor) -> Tensor:
        """Rows ``(N, X)`` as pictures ``(N, C, H, W)``."""
        F = namespace(rows)
        if not self.channels_last:
            return F.reshape(rows, shape=(0, *self[:3]))
        return F.transpose(F.reshape(rows, shape=(0, self.height, self.width, self.channels)), axes=(0, 3, 1, 2))

    def rows(self, maps: Tensor) -> Tensor:
        """Maps ``(N, m C, H, W)`` as rows ``(N, m X)``: one picture after another."""
        F = namespace(maps)
        if self.channels_last:
            maps = F.transpose(F.reshape(maps, shape=(0, -4, -1, self.channels, 0, 0)), axes=(0, 1, 3, 4, 2))
        return F.flatten(maps)


class OnImages(mx.gluon.HybridBlock):
    """A block that wants pictures ``(N, C, H, W)``, as the body of an inference network, whose data are rows
    ``(N, X)``: ``gv.GaussianInferenceNetwork(50, gv.networks.OnImages(block, (28, 28)))``.

    Parameters
    ----------
    block : returns features ``(N, F)`` or maps ``(N, F, H', W')``.
    shape : of an image, see :meth:`Layout.of`.
    label_size : Y further numbers at the end of each row, each of which becomes a map of one value behind the
        picture's channels: ``(N, X + Y)`` to ``(N, C + Y, H, W)``.
    """

    def __init__(self, block: Any, shape: Sequence[int], label_size: int = 0) -> None:
        super().__init__()
        self.layout = Layout.of(shape)
        self.label_size = checks.positive_int("label_size", label_size) if label_size else 0
        self.block = block

    @property
    def in_units(self) -> int:
        """X + Y, the length of a row."""
        return self.layout.values + self.label_size

    def hybrid_forward(self, F: Any, rows: Tensor) -> Tensor:
        if not self.label_size:
            return self.block(self.layout.maps(rows))
        pixels = F.slice_axis(rows, axis=1, begin=0, end=self.layout.values)
        label = F.slice_axis(rows, axis=1, begin=self.layout.values, end=None)
        label = F.reshape(label, shape=(0, 0, 1, 1))
        constant = F.broadcast_axis(label, axis=(2, 3), size=(self.layout.height, self.layout.width))
        return self.block(F.concat(self.layout.maps(pixels), constant, dim=1))


class ToImages(mx.gluon.HybridBlock):
    """A block that makes maps ``(N, F, H, W)`` of rows ``(N, D)``, as the body of a generator of images whose
    colours come last: ``gv.GaussianGenerator(3072, gv.networks.ToImages(block, (32, 32, 3)))``. One of grey images,
    or of colours that come first, needs no wrapper.

    Parameters
    ----------
    block : its maps are of the height and width of the image.
    shape : of an image, see :meth:`Layout.of`.
    """

    def __init__(self, block: Any, shape: Sequence[int]) -> None:
        super().__init__()
        self.layout = Layout.of(shape)
        self.block = block

    def hybrid_forward(self, F: Any, rows: Tensor) -> Tensor:
        return self.block(rows)


class MapsToRows(mx.gluon.HybridBlock):
    """The last layer of a generator of images: for each pixel a linear function of the maps ``(N, F, H, W)``
    there, as rows ``(N, m X)``.

    Parameters
    ----------
    size : m X.
    features : F.
    layout : of an image.
    """

    def __init__(self, size: int, features: int, layout: Layout, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self.layout = layout
        with self.name_scope():
            channels = size // (layout.height * layout.width)
            self.layer = mx.gluon.nn.Conv2D(channels, 1, in_channels=features, prefix="")

    def hybrid_forward(self, F: Any, maps: Tensor) -> Tensor:
        return self.layout.rows(self.layer(maps))


def last_layer(size: int, features: tuple[int, ...], body: Any, data_dims: int, prefix: str) -> Any:
    """What makes ``size`` numbers, as many a value of the data as another, of what a body returns.

    Raises ValueError for maps on which ``data_dims`` values are no pictures.
    """
    if len(features) == 1:
        return Dense(size, features[0], prefix=prefix)
    of_maps = f"(N, {', '.join(map(str, features))})"
    layout = getattr(body, "layout", None)
    if layout is None:
        height, width = features[1:]
        if data_dims % (height * width):
            raise ValueError(
                f"the body {type(body).__name__} returns maps {of_maps}: {data_dims} values are no whole number of "
                f"channels of {height}×{width}"
            )
        layout = Layout(data_dims // (height * width), height, width)
    if (layout.height, layout.width) != features[1:] or layout.values != data_dims:
        raise ValueError(
            f"the body {type(body).__name__} returns maps {of_maps} for images of {layout.channels} channels of "
            f"{layout.height}×{layout.width}, and a data point has {data_dims} values: they must be the same pixels"
        )
    return MapsToRows(size, features[0], layout, prefix)
