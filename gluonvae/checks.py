"""Checks of arguments, with messages that say what was given and what was wanted."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Optional, Union

import numpy as np

from .backend.runtime import mx
from .backend.types import DType, Tensor


def positive_int(name: str, value: object) -> int:
    """Check that an argument is a positive whole number.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Its value.

    Returns
    -------
    int
        The value, also where it is one of NumPy's integers.

    Raises
    ------
    TypeError
        If it is not a whole number.
    ValueError
        If it is not positive.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a positive whole number, got {value!r}")
    if value <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return int(value)


def boolean(name: str, value: object) -> bool:
    """Check that an argument is True or False: any other is true or false as well, "false" is true.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Its value.

    Returns
    -------
    bool
        The value, also where it is NumPy's.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def layer_sizes(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Check the widths of hidden layers.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : Sequence[int]
        Widths; none means no hidden layer.

    Returns
    -------
    tuple[int, ...]
        The widths.

    Raises
    ------
    TypeError
        If it is no sequence of whole numbers.
    ValueError
        If a width is not positive.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of layer widths such as [200, 500], got {value!r}")
    return tuple(positive_int(f"{name}[{i}]", size) for i, size in enumerate(value))


def normalised(name: object) -> str:
    """Normalise the spelling of a name for comparison: "realNVP" and "real_nvp" both become "realnvp".

    Parameters
    ----------
    name : object
        The name.

    Returns
    -------
    str
        The name in lower case without ``_`` and ``-``.
    """
    return str(name).lower().replace("_", "").replace("-", "")


SYNONYMS = {
    "normal": "gaussian",
    "nb": "negativebinomial",
    "zinb": "zeroinflatednegativebinomial",
    "zip": "zeroinflatedpoisson",
    "concrete": "relaxedbernoulli",
    "gumbelsoftmax": "relaxedonehot",
    "vae": "elbo",
    "betavae": "elbo",
    "vqvae": "vq",
    "gmm": "mixture",
    "cnn": "conv",
    "resnet": "residual",
    "dense": "mlp",
    "adamw": "adam",
    "fp16": "float16",
    "bf16": "bfloat16",
}
"""Other names of things that are known here by these, both normalised."""


def nearest(given: object, known: Collection[str]) -> Optional[str]:
    """Return the name that was probably meant: another name of the same thing, or the most similar one.

    Parameters
    ----------
    given : object
        The name, in any spelling.
    known : Collection[str]
        The known names, normalised.

    Returns
    -------
    str or None
        One of them; None where there is no similar one.
    """
    synonym = SYNONYMS.get(normalised(given))
    if synonym in known:
        return synonym
    return next(iter(difflib.get_close_matches(normalised(given), known, n=1, cutoff=0.4)), None)


def known_name(what: str, given: str, known: Collection[str]) -> str:
    """Check that a name is one of those that are known.

    Parameters
    ----------
    what : str
        What the name is of, for the message.
    given : str
        The name.
    known : Collection[str]
        The known names. A :class:`gluonvae.registry.Registry` accepts other spellings of them.

    Returns
    -------
    str
        The name as ``known`` spells it.

    Raises
    ------
    ValueError
        If the name is unknown, with the known names and the most similar of them.
    """
    names = sorted(known)
    if given in names:
        return given
    spelt = {normalised(name): name for name in names}
    if isinstance(given, str) and given in known:  # another spelling, which only a Registry accepts
        return spelt[normalised(given)]
    near = nearest(given, spelt)
    hint = f"; did you mean {spelt[near]!r}?" if near else ""
    raise ValueError(f"{what} must be one of {', '.join(names)}, got {given!r}{hint}")


def _show(shape: Sequence[object]) -> str:
    inner = ", ".join(str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def numeric(name: str, dtype: DType) -> None:
    """Check that a dtype is one of numbers.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    dtype : DType
        That of its values.

    Raises
    ------
    TypeError
        If it is of something else.
    """
    given = np.dtype(dtype)
    if given.kind not in "buif":
        objects = ": texts, None, or rows of unlike lengths" if given.kind == "O" else ""
        raise TypeError(f"{name} must be numbers, got dtype {given}{objects}")


def shape(name: str, value: Union[Tensor, np.ndarray], wanted: Sequence[object]) -> None:
    """Check the shape of an array.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : Tensor or np.ndarray
        The array.
    wanted : Sequence[object]
        The size of each axis. A string such as "B" stands for any size above zero, a leading ``...`` for any
        number of leading axes.

    Raises
    ------
    ValueError
        If the shape is another, or the array is empty.
    """
    given, tail = tuple(value.shape), [want for want in wanted if want is not Ellipsis]
    sizes = given if len(tail) == len(wanted) else given[len(given) - len(tail) :]
    matches = len(sizes) == len(tail) and all(isinstance(want, str) or size == want for size, want in zip(sizes, tail))
    if matches and 0 not in given:
        return
    shown = _show(["..." if want is Ellipsis else want for want in wanted])
    hint = ""
    if 0 in given:
        hint = ": it is empty"
    elif len(given) == 1 and len(tail) == 2:
        hint = ": one number an item looks like labels, not images"
    elif len(given) > 2 and len(tail) == 2 and np.prod(given[1:]) == tail[-1]:
        hint = f": flatten each image, {name}.reshape(({given[0]}, -1))"
    raise ValueError(f"{name} must have shape {shown}, got {_show(given)}{hint}")


def tensor(name: str, value: object, wanted: Sequence[object], dtype: DType) -> None:
    """Check that an argument is an NDArray of a shape and dtype.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Its value.
    wanted : Sequence[object]
        The shape, see :func:`shape`.
    dtype : DType
        The dtype.

    Raises
    ------
    TypeError
        If it is no NDArray, has another dtype, or is float16 on the CPU.
    ValueError
        If it has another shape, or is empty.
    """
    if not isinstance(value, mx.nd.NDArray):
        hint = ": use mx.nd.array(...)" if isinstance(value, np.ndarray) else ""
        raise TypeError(f"{name} must be an mxnet NDArray, got {type(value).__name__}{hint}")
    shape(name, value, wanted)
    if np.dtype(dtype) == np.float16 and value.context.device_type != "gpu":
        raise TypeError("float16 needs a GPU: MXNet has no float16 matrix product on the CPU; use float32 there")
    if np.dtype(value.dtype) != np.dtype(dtype):
        given, want = np.dtype(value.dtype).name, np.dtype(dtype).name
        raise TypeError(
            f"{name} must be {want}, the model's dtype, got {given}: use {name}.astype({want!r}) or vae.cast({given!r})"
        )


def finite(name: str, values: np.ndarray, if_nan: str = "") -> None:
    """Check that an array holds neither NaN nor infinity.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    values : np.ndarray
        The array; integers are finite.
    if_nan : str
        What the message says after the index of a NaN.

    Raises
    ------
    ValueError
        If a value is not finite, with the index of the first.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{name} has {values[place]} at {place}{if_nan if np.isnan(values[place]) else ''}")


def finite_number(name: str, value: object) -> float:
    """Check that an argument is a finite number.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : object
        Its value.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it is NaN or infinite.
    """
    try:
        number = float("text" if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error
    except OverflowError:  # a whole number beyond float64
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {number}")
    return number


def categories(name: str, size: int, value: int) -> int:
    """Check the number of categories of each variable, of which ``size`` must be a multiple."""
    if positive_int("categories", value) == 1:
        raise ValueError("categories must be at least 2, got 1: a variable with one value is no variable")
    if positive_int(name, size) % value:
        raise ValueError(f"{name} must be a multiple of categories, {value} values for each variable, got {size}")
    return value


def same_size(name: str, sizes: Mapping[str, int]) -> int:
    """Check that the parts of a model agree on a size, 0 standing for unknown, and return it."""
    known = {part: size for part, size in sizes.items() if size}
    (first, wanted), *others = known.items()
    for other, size in others:
        if size != wanted:
            raise ValueError(f"{name} is {wanted} in the {first} and {size} in the {other}: they must be the same")
    return wanted
