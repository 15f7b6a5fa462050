"""Conversion between rows of values and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.operators import namespace
from ..backend.types import Block, Operators, Tensor
from .body import Layers
from .convolution_layers import Conv2D
from .dense import Dense


class Layout(NamedTuple):
    """The order of the X = C H W values of a picture in a row.

    Attributes
    ----------
    channels, height, width : int
        C, H and W.
    channels_last : bool, default False
        Whether a row is a flattened ``(H, W, C)`` rather than ``(C, H, W)``.
    """

    channels: int
    height: int
    width: int
    channels_last: bool = False

    @classmethod
    def of(cls, shape: Sequence[int]) -> Layout:
        """Create the layout of images of a shape.

        Parameters
        ----------
        shape : sequence of int
            ``(H, W)``; ``(C, H, W)`` if C is 1 or 3, else ``(H, W, C)``; or ``(X,)`` for a square, as in
            :attr:`gluonvae.data.Dataset.shape`.

        Returns
        -------
        Layout
            Channels, height, width and their order.

        Raises
        ------
        ValueError
            If it is none of these.

        Examples
        --------
        >>> Layout.of((32, 32, 3))
        Layout(channels=3, height=32, width=32, channels_last=True)
        """
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
        """The number of values of a picture, X."""
        return self.channels * self.height * self.width

    def maps(self, rows: Tensor, pictures: int = 1) -> Tensor:
        """Reshape rows to pictures.

        Parameters
        ----------
        rows : Tensor
            ``(N, m X)``, one picture after another.
        pictures : int
            m.

        Returns
        -------
        Tensor
            ``(N, m C, H, W)``.
        """
        F = namespace(rows)
        if not self.channels_last:
            return F.reshape(rows, shape=(0, pictures * self.channels, self.height, self.width))
        last = F.reshape(rows, shape=(0, pictures, self.height, self.width, self.channels))
        return F.reshape(F.transpose(last, axes=(0, 1, 4, 2, 3)), shape=(0, -3, 0, 0))

    def rows(self, maps: Tensor) -> Tensor:
        """Reshape pictures to rows.

        Parameters
        ----------
        maps : Tensor
            ``(N, m C, H, W)``, m pictures for each row.

        Returns
        -------
        Tensor
            ``(N, m X)``, one picture after another.
        """
        F = namespace(maps)
        if self.channels_last:
            maps = F.transpose(F.reshape(maps, shape=(0, -4, -1, self.channels, 0, 0)), axes=(0, 1, 3, 4, 2))
        return F.flatten(maps)


class _BlockOfImages(GraphBlock):
    """A block and the layout of the images at its input or output."""

    def __init__(self, block: Block, shape: Sequence[int]) -> None:
        super().__init__()
        self.layout = Layout.of(shape)
        self.block = block


class OnImages(_BlockOfImages):
    """Makes a body of a block whose input is pictures ``(N, C, H, W)``.

    It is called as ``body(rows)`` or ``body(rows, label)`` with rows ``(N, X)`` and a label ``(N, Y)``, and returns
    what the block returns. Each of the Y numbers becomes a channel of one constant value behind those of the picture:
    the block's input is ``(N, C + Y, H, W)``.

    Parameters
    ----------
    block : Block
        Maps pictures to features ``(N, F)`` or feature maps ``(N, F, H', W')``.
    shape : sequence of int
        Shape of an image, see :meth:`Layout.of`.

    Attributes
    ----------
    takes_label : bool
        Class attribute: the body may be called with a label.
    pictures : int
        How many pictures are in a row, one after another: 1, or 2 where values may be missing, as the second tells
        which are. The block's input has their channels, ``(N, 2 C + Y, H, W)``.
    layout : Layout
        Order of the values in a row.

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image.

    Examples
    --------
    >>> net = gv.GaussianInferenceNetwork(50, gv.networks.OnImages(block, (28, 28)))
    """

    takes_label: ClassVar[bool] = True
    pictures = 1

    @property
    def in_units(self) -> int:
        """The length of a row without label, X or 2 X."""
        return self.pictures * self.layout.values

    def hybrid_forward(self, F: Operators, rows: Tensor, *label: Tensor) -> Tensor:
        maps, size = self.layout.maps(rows, self.pictures), self.layout[1:3]
        # (N, Y, H, W)
        constant = [F.broadcast_axis(F.reshape(y, shape=(0, 0, 1, 1)), axis=(2, 3), size=size) for y in label]
        return self.block(F.concat(maps, *constant, dim=1) if label else maps)


class ToImages(_BlockOfImages):
    """Tells a generator the layout of the images for which its body returns feature maps.

    It is needed for images whose channels come last; otherwise the block itself can be the body. Maps rows
    ``(N, D)`` to feature maps ``(N, F, H, W)``.

    Parameters
    ----------
    block : Block
        Returns feature maps of the image's height and width.
    shape : sequence of int
        Shape of an image, see :meth:`Layout.of`.

    Raises
    ------
    ValueError
        If ``shape`` is not that of an image.

    Examples
    --------
    >>> generator = gv.GaussianGenerator(3072, gv.networks.ToImages(block, (32, 32, 3)))
    """

    def hybrid_forward(self, F: Operators, rows: Tensor) -> Tensor:
        return self.block(rows)


class MapsToRows(GraphBlock):
    """The output layer of a generator of images: a linear function of the features of each pixel.

    Maps feature maps ``(N, F, H, W)`` to rows ``(N, m X)``.

    Parameters
    ----------
    size : int
        m X, where m is the number of parameters for each value of an image.
    features : int
        F.
    layout : Layout
        Order of the values in a row.
    prefix : str
        Prefix of the names of its parameters.
    """

    def __init__(self, size: int, features: int, layout: Layout, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self.layout = layout
        with self.name_scope():
            channels = size // (layout.height * layout.width)
            self.layer = Conv2D(channels, 1, in_channels=features, prefix="")

    def hybrid_forward(self, F: Operators, maps: Tensor) -> Tensor:
        return self.layout.rows(self.layer(maps))


def last_layer(size: int, features: tuple[int, ...], body: Layers, data_dims: int, prefix: str) -> Block:
    """Create the output layer of a generator.

    Parameters
    ----------
    size : int
        Number of outputs for a data point, a multiple of ``data_dims``.
    features : tuple of int
        Shape of the body's output for a row, ``(F,)`` or ``(F, H, W)``.
    body : Block or sequence of int
        The body, or the widths of its layers.
    data_dims : int
        X, the number of values of a data point.
    prefix : str
        Prefix of the names of its parameters.

    Returns
    -------
    Block
        A :class:`Dense` layer for features, a :class:`MapsToRows` for feature maps.

    Raises
    ------
    ValueError
        If feature maps have another height and width than images of ``data_dims`` values.
    """
    if len(features) == 1:
        return Dense(size, features[0], prefix=prefix)
    returns = f"the body {type(body).__name__} returns maps (N, {', '.join(map(str, features))})"
    layout = getattr(body, "layout", None)
    if layout is None:
        height, width = features[1:]
        channels, rest = divmod(data_dims, height * width)
        if rest:
            raise ValueError(f"{returns}: {data_dims} values are no whole number of channels of {height}×{width}")
        layout = Layout(channels, height, width)
    if (layout.height, layout.width) != features[1:] or layout.values != data_dims:
        raise ValueError(
            f"{returns} for images of {layout.channels} channels of {layout.height}×{layout.width}, and a data point "
            f"has {data_dims} values: they must be the same pixels"
        )
    return MapsToRows(size, features[0], layout, prefix)
