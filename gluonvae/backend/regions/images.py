"""The sizes of a convolution, and how its images are shared out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from .lines import whole_lines

Shape = tuple[int, ...]
Options = Mapping[str, Any]

(
    SMALL_CHANNELS,
    SMALL_HEIGHT,
    SMALL_WIDTH,
    CHANNELS,
    HEIGHT,
    WIDTH,
    KERNEL_HEIGHT,
    KERNEL_WIDTH,
    STRIDE_HEIGHT,
    STRIDE_WIDTH,
    PADDING_HEIGHT,
    PADDING_WIDTH,
    IMAGES,
    BAND,
    PIECES,
    PACKED,
    PATCHES,
    SUMS,
    DETAILS,
) = range(19)
"""Words of a convolution: those of :class:`Geometry`, how many images and how many of their rows of pixels a product is
of, of how many pieces of the batch the gradients of parameters are sums, and where weights, patches and these sums are
in memory."""

TOGETHER = 8
"""Most images that are taken through all layers together, while they are in a core's cache."""
ROWS, NUMBERS = 400, 2**17
"""About how many rows and numbers the patches of a product have: more would leave the cache."""


class Geometry(NamedTuple):
    """The sizes of a convolution. A transposed one takes its small side and makes the large one.

    Images ``(N, channels, height, width)`` are the large side, of which a patch goes with each pixel of the small one.
    """

    small: tuple[int, int, int]
    """Channels, height and width."""
    large: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @property
    def patch(self) -> int:
        """The numbers of a patch."""
        return self.large[0] * math.prod(self.kernel)

    @property
    def parameters(self) -> int:
        """The numbers of the weights, and of the biases of a row of pixels of either side."""
        return self.small[0] * self.patch + max(channels * width for channels, _, width in (self.small, self.large))

    @property
    def row(self) -> int:
        """The numbers of the patches of a row of pixels."""
        return self.small[2] * self.patch

    def images(self, piece: int) -> int:
        """How many of a piece's images a product is of, a power of two."""
        images = 1
        while (
            2 * images <= min(piece, TOGETHER)
            and 2 * images * math.prod(self.small[1:]) <= ROWS
            and 2 * images * self.small[1] * self.row <= NUMBERS
        ):
            images *= 2
        return images

    def band(self, images: int) -> int:
        """How many rows of pixels of so many images a product is of: all, but for an image that is too large."""
        return images * self.small[1] if images > 1 or not self.row else min(max(NUMBERS // self.row, 1), self.small[1])


def pieces_of(images: int) -> int:
    """Return in how many pieces, as equal as can be, threads share images: of at least 8, or 4 where they are few.

    Their parts of a weight's gradient are added up in the end, so that how many they are does not depend on the number
    of threads. Most numbers of threads divide how many they are: what is left over, one would do while others wait.
    """
    for pieces in (24, 12, 8, 6):
        if images >= 8 * pieces:
            return pieces
    return max(1, min(4, images // 4))


def words(layers: Sequence[Optional[tuple[Geometry, int]]], first: int) -> tuple[list[list[int]], int, int]:
    """Return the words of convolutions, and the memory that they take.

    Parameters
    ----------
    layers : sequence of (Geometry, int), or of None for what is no convolution
        Each with its number of images.
    first : int
        Where the sums of the gradients of parameters begin in the memory of the backward pass.

    Returns
    -------
    list of list of int
        Of each.
    int
        Numbers of memory that each thread takes.
    int
        Where the sums end.
    """
    packed, patches = [0], [0]
    for of_layer in layers:
        packed.append(packed[-1] + (whole_lines(of_layer[0].parameters) if of_layer else 0))
    of_all, sums = [], first
    for of_layer, place in zip(layers, packed):
        if of_layer is None:
            of_all.append([0] * DETAILS)
            continue
        sizes, count = of_layer
        pieces = pieces_of(count)
        images = sizes.images(count // pieces)
        band = sizes.band(images)
        patches.append(band * sizes.row)
        places = images, band, pieces, place, packed[-1], sums
        of_all.append([*(number for size in sizes for number in size), *places])
        sums += whole_lines(pieces * sizes.parameters)
    return of_all, packed[-1] + whole_lines(max(patches)), sums


def geometry(is_transposed: bool, options: Options, shapes: Sequence[Shape]) -> Geometry:
    """Return the sizes of a convolution, of the shapes of its input and of its result ``(N, C, H, W)``."""
    small, large = (shapes[0], shapes[-1]) if is_transposed else (shapes[-1], shapes[0])
    kernel, stride, padding = (tuple(options[name]) for name in ("kernel", "stride", "padding"))
    return Geometry(small[1:], large[1:], kernel, stride, padding)  # type: ignore[arg-type]


def geometry_of_pixels(options: Options, shapes: Sequence[Shape]) -> Geometry:
    """Return the sizes of what has no patches."""
    return Geometry(shapes[0][1:], shapes[0][1:], (0, 0), (1, 1), (0, 0))  # type: ignore[arg-type]


def convolution(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    """Return the shapes of a convolution's operands and result."""
    if not given[0]:
        return given, ()
    batch, channels, *size = _images(given[0])
    made = [
        (n + 2 * padding - kernel) // stride + 1
        for n, kernel, stride, padding in zip(size, options["kernel"], options["stride"], options["padding"])
    ]
    weight, units = (options["units"], channels, *options["kernel"]), options["units"]
    return [given[0], weight, (units,)][: len(given)], _positive(batch, units, *made)


def transposed(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    """Return the shapes of a transposed convolution's operands and result."""
    if not given[0]:
        return given, ()
    batch, channels, *size = _images(given[0])
    sizes = zip(size, options["kernel"], options["stride"], options["padding"], options["extra"])
    made = [(n - 1) * stride - 2 * padding + kernel + extra for n, kernel, stride, padding, extra in sizes]
    weight, units = (channels, options["units"], *options["kernel"]), options["units"]
    return [given[0], weight, (units,)][: len(given)], _positive(batch, units, *made)


def same(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    """Return the shape of images, which stays the same."""
    return given, _images(given[0]) if given[0] else ()


def work(is_transposed: bool, shapes: Sequence[Shape]) -> int:
    """Return how many products of numbers a convolution is."""
    small = shapes[0 if is_transposed else -1]
    return small[0] * math.prod(small[2:]) * math.prod(shapes[1])


def _images(shape: Shape) -> Shape:
    if len(shape) != 4:
        raise ValueError(f"a convolution is of images (N, C, H, W), got {shape}")
    return shape


def _positive(*shape: int) -> Shape:
    if min(shape) < 1:
        raise ValueError(f"the images are too small: what a convolution makes of them has the shape {shape}")
    return shape
