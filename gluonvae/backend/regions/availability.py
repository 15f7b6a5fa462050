"""Whether regions are used in this process, and why not."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

import numpy as np

from ..processor import bfloat16_in_hardware
from ..runtime import engine_is_naive, mx
from ..types import DType
from .onednn import PACKAGE, bfloat16_address, sgemm_address

_log = logging.getLogger(__name__)


def available() -> bool:
    """Return whether the regions are used.

    They are not under MXNet's threaded engine, where custom operators run in a thread of their own and compete
    with MXNet's for cores, nor if there is a GPU, as a graph may be traced before its device is known, nor within
    :func:`mxnets_own`.

    Returns
    -------
    bool
        Outside of :func:`mxnets_own` the same for the whole process.
    """
    return not _off and why_not() is None


@functools.cache
def why_not() -> Optional[str]:
    """Return why there are no regions in this process, or None where there are."""
    if not engine_is_naive():
        return "MXNet's engine is not the naive one"
    if mx.context.num_gpus():
        return "there is a GPU"
    return None if loops_compile() and _passes_compile() else "numba is not installed or does not compile"


def _passes_compile() -> bool:
    """Whether what all operators need compiles: MXNet ends the process where one of them has no code."""
    from .operator import passes
    from .programs import bodies

    try:
        return bool(passes() and bodies(np.float32))
    except Exception as error:  # numba's own, of many kinds
        _log.warning("numba does not compile here (%s): operators are MXNet's own", str(error).split("\n", 1)[0])
        return False


@functools.cache
def why_no_products() -> Optional[str]:
    """Return why matrix products are MXNet's own in this process, or None where they are compiled."""
    return why_not() or (None if sgemm_address() else f"{PACKAGE} is not installed or cannot be loaded")


def products_available(dtype: DType) -> bool:
    """Return whether dense layers and convolutions can be regions in a dtype: float32 where oneDNN is there."""
    return available() and np.dtype(dtype) == np.float32 and why_no_products() is None


def narrow_products_available() -> bool:
    """Return whether dense layers in float32 can take their products in bfloat16: where the CPU has such."""
    return products_available(np.float32) and bool(bfloat16_address()) and bfloat16_in_hardware()


_off = False


@contextmanager
def mxnets_own() -> Iterator[None]:
    """Use MXNet's own operators only, as for a graph that is loaded where gluonvae is not."""
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before


@functools.cache
def loops_compile() -> bool:
    """Return whether numba can be imported, and compiles: with ``NUMBA_DISABLE_JIT=1`` it does not."""
    try:
        from numba import config
    except ImportError:
        return False
    except Exception as error:  # it cannot read one of its environment variables
        _log.warning("numba cannot be imported (%s): operators are MXNet's own", error)
        return False
    return not config.DISABLE_JIT  # type: ignore[attr-defined,unused-ignore]
