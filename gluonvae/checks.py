"""Checks of what a user passes in: what was given, what was wanted, what to do."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .backend.runtime import mx


def positive_int(name: str, value: Any) -> int:
    """``value`` as an int, or ValueError/TypeError where it is not a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a positive whole number, got {value!r}")
    if value <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return int(value)


def layer_sizes(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """A list of hidden layer widths; an empty one means no hidden layer."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of layer widths such as [200, 500], got {value!r}")
    return tuple(positive_int(f"{name}[{i}]", size) for i, size in enumerate(value))


def known_name(what: str, given: Any, known: Iterable[str]) -> str:
    """``given`` if it is one of ``known``, else ValueError with the nearest known name."""
    known = sorted(known)
    if given in known:
        return given
    spelt = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(given).lower(), spelt, n=1, cutoff=0.4)
    hint = f"; did you mean {spelt[near[0]]!r}?" if near else ""
    raise ValueError(f"{what} must be one of {', '.join(known)}, got {given!r}{hint}")


def _show(shape: Sequence[Any]) -> str:
    inner = ", ".join(str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def shape(name: str, value: Any, wanted: Sequence[Any]) -> None:
    """Compare ``value.shape`` with ``wanted``, where a string such as "B" stands for any size
    above zero and a leading ``...`` for any number of leading axes."""
    given = tuple(value.shape)
    if wanted and wanted[0] is Ellipsis:
        sizes, tail = given[len(given) - len(wanted) + 1 :], tuple(wanted[1:])
    else:
        sizes, tail = given, tuple(wanted)
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


def tensor(name: str, value: Any, wanted: Sequence[Any], dtype: Any) -> None:
    """An NDArray of shape ``wanted`` (see :func:`shape`) and of dtype ``dtype``."""
    if not isinstance(value, mx.nd.NDArray):
        raise TypeError(
            f"{name} must be an mxnet NDArray, got {type(value).__name__}"
            + (": use mx.nd.array(...)" if isinstance(value, np.ndarray) else "")
        )
    shape(name, value, wanted)
    if np.dtype(dtype) == np.float16 and value.context.device_type != "gpu":
        raise TypeError("float16 needs a GPU: MXNet has no float16 matrix product on the CPU; use float32 there")
    if np.dtype(value.dtype) != np.dtype(dtype):
        given, want = np.dtype(value.dtype).name, np.dtype(dtype).name
        raise TypeError(
            f"{name} must be {want}, the model's dtype, got {given}: use {name}.astype({want!r}) or vae.cast({given!r})"
        )


def finite(name: str, values: np.ndarray) -> None:
    """ValueError where ``values`` holds a NaN or an infinity, with the place of the first."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{name} has {values[place]} at {place}")
