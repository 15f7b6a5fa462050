"""oneDNN's matrix product, from the package ``onednn-cpu-gomp``."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
from pathlib import Path
from typing import Optional

PACKAGE = "onednn-cpu-gomp"
"""The build of oneDNN on libgomp, MXNet's library of threads: any other would start threads of its own."""


def sgemm_address() -> Optional[int]:
    """Return the address of ``dnnl_sgemm``, or None where the package is not installed or cannot be loaded.

    MXNet contains oneDNN as well, an older one whose ``sgemm`` is not exported.
    """
    return _address("dnnl_sgemm")


def bfloat16_address() -> Optional[int]:
    """Return the address of ``dnnl_gemm_bf16bf16f32``, likewise."""
    return _address("dnnl_gemm_bf16bf16f32")


@functools.cache
def _address(name: str) -> Optional[int]:
    path = _library()
    if path is None:
        return None
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value


def _library() -> Optional[Path]:
    """Where the package's library is, outside of the folder of modules."""
    try:
        files = importlib.metadata.files(PACKAGE) or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == "libdnnl.so.3"), None)
