"""The instructions of programs: what goes in and comes out, and of which shapes.

A tensor ``(..., D)`` is rows of D numbers, one of ``(...)`` a number for each row. Programs of images have no
instructions but those of images.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Optional

import numpy as np

from . import images
from .images import Geometry, Options, Shape

ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu", "softrelu", "softsign", "leakyrelu", "elu", "selu")
"""The activations that a layer may end with."""

IN_BFLOAT16 = 256
"""What the number of a dense layer's options has beside that of its activation, where it takes products in bfloat16."""


class Kind(NamedTuple):
    """A kind of instruction."""

    operands: tuple[str, ...]
    """What goes in."""
    shapes: Callable[[Options, Sequence[Shape]], tuple[Sequence[Shape], Shape]]
    """The shapes of the operands, of those that are known (others are ()), and that of the result."""
    number: Callable[[Options], int] = lambda options: 0
    """What the compiled code reads of its options."""
    parameters: tuple[int, ...] = ()
    """The operands that are not rows of data, whose gradient is a sum over all rows."""
    constants: tuple[int, ...] = ()
    """The operands that no gradient flows to."""
    work: Callable[[Sequence[Shape]], int] = lambda shapes: 10 * max(map(math.prod, shapes))
    """About how many operations it takes, of the shapes of operands and result."""
    makes_numbers: bool = False
    """Whether a row of the result is one number."""
    of_numbers: bool = False
    """Whether a row of its operands is one number."""
    over_samples: bool = False
    """Whether it takes all samples of a data point together."""
    components: Callable[[Options], int] = lambda options: 1
    """How many numbers the others have for one of the last operand."""
    of_images: bool = False
    """Whether a row is an image: of ``(N, C, H, W)`` all numbers of one of N."""
    geometry: Optional[Callable[[Options, Sequence[Shape]], Geometry]] = None
    """The sizes of a convolution, or of its like, of the options and the shapes of operands and result."""


def repeat_rows(shapes: Sequence[Shape]) -> bool:
    """Return whether tensors ``(..., D)`` have rows for each other: those of one, in turn, as many as the most have."""
    leading = [shape[:-1] for shape in shapes]
    whole = max(leading, key=math.prod, default=())
    # without axes of 1 before the others
    own = [shape[next((i for i, size in enumerate(shape) if size != 1), len(shape)) :] for shape in leading]
    return len({shape[-1] for shape in shapes}) <= 1 and all(whole[len(whole) - len(shape) :] == shape for shape in own)


def is_narrow(options: Options) -> bool:
    """Whether a dense layer takes its products in bfloat16."""
    return options.get("precision") == "bfloat16"


def _dense(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    x, units = given[0], options["units"]
    if not x:
        return given, ()
    return [x, (units, x[-1]), (units,)], (*x[:-1], units)


def _same(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    return given, given[0]


def _same_of_all(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    known = next((shape for shape in given if shape), ())
    return [shape or known for shape in given], known


def _row_by_row(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    known = next((shape for shape in given if shape), ())
    if not given[0]:
        return [shape or known for shape in given], ()
    # either may have samples
    return [shape or known for shape in given], np.broadcast_shapes(*(shape[:-1] for shape in given))


def _draw(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    mean, std, noise = given
    return [mean or std, std or mean, noise], noise


def _mixture(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    logits, mean, scale, value = given
    known = logits or mean or scale
    return [known, known, known, value], np.broadcast_shapes(known[:-1], value[:-1]) if known and value else ()


def _repeated(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    row, like = given
    return [like[-1:] if like and row != (1,) else row, like], like


def _of_one_shape(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    known = next((shape for shape in given if shape), ())
    return [known] * len(given), known


def _multiple(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    return [given[0], (1,)], given[0]


def _without_samples(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    return given, given[0][1:]


def _over_all_samples(options: Options, given: Sequence[Shape]) -> tuple[Sequence[Shape], Shape]:
    return given, given[0][-1:]


def _real(name: str) -> Callable[[Options], int]:
    """The bits of an option that is a real number."""
    return lambda options: struct.unpack("q", struct.pack("d", options[name]))[0]


def _activation(options: Options) -> int:
    return ACTIVATIONS.index(options["activation"]) + IN_BFLOAT16 * is_narrow(options)


def _convolution(is_transposed: bool) -> Kind:
    return Kind(
        ("x", "weight", "bias"),
        images.transposed if is_transposed else images.convolution,
        _activation,
        parameters=(1, 2),
        work=partial(images.work, is_transposed),
        of_images=True,
        geometry=partial(images.geometry, is_transposed),
    )


KINDS: dict[str, Kind] = {
    "dense": Kind(
        ("x", "weight", "bias"),
        _dense,
        _activation,
        parameters=(1, 2),
        work=lambda shapes: math.prod(shapes[0]) * shapes[1][0],
    ),
    "softplus": Kind(("x",), _same, _real("floor")),
    "normal_draw": Kind(("mean", "std", "noise"), _draw),
    "normal_kl": Kind(("mean", "std"), _row_by_row, makes_numbers=True),
    "normal_log_prob": Kind(("noise", "std"), _row_by_row, makes_numbers=True),
    "standard_normal": Kind(("value",), _row_by_row, makes_numbers=True),
    "bernoulli": Kind(("logits", "value"), _row_by_row, constants=(1,), makes_numbers=True),
    "log_mean_exp": Kind(("x",), _without_samples, makes_numbers=True, of_numbers=True, over_samples=True),
    "mean": Kind(("x",), _over_all_samples, makes_numbers=True, of_numbers=True, over_samples=True),
    # x + factor y, and factor x, where the factor is known and where it is a tensor
    "sum": Kind(("x", "y"), _of_one_shape, _real("factor"), makes_numbers=True, of_numbers=True),
    "scaled": Kind(("x",), _same, _real("factor"), makes_numbers=True, of_numbers=True),
    "multiple": Kind(("x", "factor"), _multiple, parameters=(1,), constants=(1,), makes_numbers=True, of_numbers=True),
    "convolution": _convolution(is_transposed=False),
    "transposed_convolution": _convolution(is_transposed=True),
    # inside of a program the channels of images come last
    "channels_last": Kind(("x",), images.same, of_images=True, geometry=images.geometry_of_pixels),
    "channels_first": Kind(("x",), images.same, of_images=True, geometry=images.geometry_of_pixels),
    "product": Kind(("x", "y"), _same_of_all),
    "normal": Kind(("mean", "std", "value"), _row_by_row, makes_numbers=True),
    "laplace": Kind(("mean", "scale", "value"), _row_by_row, makes_numbers=True),
    "continuous_bernoulli": Kind(("logits", "value"), _row_by_row, constants=(1,), makes_numbers=True),
    "discretized_logistic": Kind(("mean", "scale", "value"), _row_by_row, constants=(2,), makes_numbers=True),
    "discretized_logistic_mixture": Kind(
        ("logits", "mean", "scale", "value"),
        _mixture,
        lambda options: options["components"],
        constants=(3,),
        makes_numbers=True,
        components=lambda options: options["components"],
    ),
    "categorical": Kind(
        ("logits", "value"), _row_by_row, lambda options: options["categories"], constants=(1,), makes_numbers=True
    ),
    # one row, or one number, for each row of another tensor
    "repeated": Kind(("row", "like"), _repeated, parameters=(0,), constants=(1,)),
    "filled": Kind(("like",), _same, _real("value"), constants=(0,)),
}
"""All kinds, by name. What they do is in :mod:`gluonvae.backend.regions.bodies.instructions`."""
