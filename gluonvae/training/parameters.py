"""Reading a run's parameters: what is broken is refused before MXNet reads it.

MXNet believes the sizes that a file of NDArrays declares, and allocates what they ask for.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..backend.operators import BFLOAT16
from ..backend.runtime import mx
from ..backend.types import Context, DType
from ..models import VAE
from ..networks.blocks import names, not_finite
from .config import RunError

LIST, ARRAY = 0x112, (0xF993FAC9, 0xF993FACA)
"""The numbers that a file of NDArrays, and each array in it, starts with."""
DENSE = 0
BYTES = {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 12: 2}
"""Of a number, by MXNet's code of its dtype."""
DTYPES: dict[int, Any] = {0: "float32", 1: "float64", 2: "float16", 12: BFLOAT16}
"""Those of a model."""
AXES = 32
"""No array has more."""


def check_file(path: Path, model: Mapping[str, Any]) -> DType:
    """Check a run's parameters before a model is made for them.

    Parameters
    ----------
    path : Path
        The file that ``vae.save_parameters`` wrote.
    model : mapping
        The arguments of ``construct_vae``, or a recipe: none of their sizes can be larger than the file.

    Returns
    -------
    dtype
        That of the parameters.

    Raises
    ------
    RunError
        If the file is missing or broken, or is that of a smaller model.
    """
    if not os.path.lexists(path):
        raise RunError(f"{path} is missing: the run ended before its parameters were saved")
    if not path.is_file():
        raise RunError(f"{path} is not a file: restore it from a copy, or train again")
    size = path.stat().st_size
    try:
        with open(path, "rb") as file:
            dtype = _check_sizes(file, size)
        if max(_whole_numbers(model), default=0) > size:
            raise ValueError(f"it has {size} bytes, and the model has {max(_whole_numbers(model))} units in a layer")
        return dtype
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise _misfit(path, error) from error


def known_digests(status: Mapping[str, Any]) -> list[str]:
    """Return the digests of parameters that status.json has: none in a run of an older version."""
    digests = status.get("parameters")
    return [digest for digest in digests if isinstance(digest, str)] if isinstance(digests, list) else []


def check_digest(path: Path, known: Sequence[str]) -> None:
    """Raise RunError where a file has none of these SHA-256 digests; where there are none nothing is known of it."""
    if known and hashlib.sha256(path.read_bytes()).hexdigest() not in known:
        raise RunError(f"{path} was changed or damaged since it was saved: restore it from a copy, or train again")


def load_parameters(vae: VAE, path: Path, ctx: Context, dtype: DType = "float32") -> None:
    """Load the parameters of a run's model from a file that was checked.

    Parameters
    ----------
    vae : VAE
        The model.
    path : Path
        The file.
    ctx : Context
        The device of the parameters.
    dtype : dtype
        Theirs, and so that of the model.

    Raises
    ------
    RunError
        If the parameters are those of another model, or one is not finite.
    """
    move(vae, ctx, dtype)
    try:
        vae.load_parameters(str(path), ctx=ctx)
    except (mx.base.MXNetError, AssertionError, ValueError) as error:
        raise _misfit(path, error) from error
    if broken := not_finite(vae):
        raise RunError(f"{path} holds NaN or infinity in {names(broken)}: train the model again")


def move(vae: VAE, ctx: Context, dtype: DType) -> None:
    """Prepare a model for parameters on a device: in their dtype, and on that device where it has some already."""
    if np.dtype(vae.dtype) != np.dtype(dtype):
        vae.cast(dtype)
    for parameter in vae.collect_params().values():
        if parameter._data is not None or parameter._deferred_init:
            parameter.reset_ctx(ctx)


def _misfit(path: Path, error: Exception) -> RunError:
    return RunError(f"{path} does not hold the parameters of this run's model: {error}")


def _whole_numbers(content: object) -> Iterator[int]:
    """All whole numbers in what JSON may hold."""
    if isinstance(content, Mapping):
        content = list(content.values())
    if isinstance(content, (list, tuple)):
        for value in content:
            yield from _whole_numbers(value)
    elif isinstance(content, int):
        yield content


def _check_sizes(file: BinaryIO, size: int) -> DType:
    """Walk through a file of NDArrays; ValueError where it is none, or declares more than it holds. Return the dtype
    of the last one."""
    of_last: DType = "float32"

    def read(form: str) -> tuple[int, ...]:
        content = file.read(struct.calcsize(form))
        if len(content) < struct.calcsize(form):
            raise ValueError(f"the file is cut off after {size} bytes")
        return struct.unpack(form, content)

    def skip(count: int) -> None:
        if count > size - file.tell():
            raise ValueError(f"the file is cut off or broken: {count} bytes should follow byte {file.tell()} of {size}")
        file.seek(count, 1)

    if size < 24 or read("<QQ")[0] != LIST:
        raise ValueError("it is no file of NDArrays")
    (arrays,) = read("<Q")
    if arrays * 24 > size:
        raise ValueError(f"it declares {arrays} arrays in {size} bytes")
    for _ in range(arrays):
        magic, storage, axes = read("<IiI")
        if magic not in ARRAY or storage != DENSE or not 0 < axes <= AXES:
            raise ValueError(f"it is broken at byte {file.tell() - 12}")
        shape = read(f"<{axes}q")
        _, _, dtype = read("<iii")
        if min(shape) < 0 or dtype not in BYTES:
            raise ValueError(f"it is broken at byte {file.tell() - 12}")
        skip(math.prod(shape) * BYTES[dtype])
        of_last = DTYPES.get(dtype, "float32")
    (names,) = read("<Q")
    if names != arrays:
        raise ValueError(f"it has {arrays} arrays and {names} names")
    for _ in range(names):
        skip(*read("<Q"))
    return of_last
