"""How MXNet is started, and the devices it runs on.

Every other module takes ``mxnet`` from here, so that what the import needs is done first.
"""

from __future__ import annotations

import builtins
import importlib
import os
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

import numpy


def import_quietly(name: str) -> ModuleType:
    """Import MXNet 1.9.1 or a module of its time.

    MXNet reads ``numpy.bool`` while it is imported. numpy 1.24 took that name away, and Python
    3.12 needs numpy 1.26: the name is lent for the import alone, so that nothing else in the
    process finds it. What the import warns of (old numpy names, distutils) no user can mend, and
    under ``-W error`` it would fail.
    """
    lent = "bool" not in vars(numpy)
    if lent:
        numpy.bool = builtins.bool  # type: ignore[attr-defined,unused-ignore]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return importlib.import_module(name)
    finally:
        if lent:
            del numpy.bool  # type: ignore[attr-defined,unused-ignore]


mx: Any = import_quietly("mxnet")


def data_folder_of_environment() -> Optional[str]:
    """The folder that ``GLUONVAE_DATA`` names."""
    return os.environ.get("GLUONVAE_DATA") or None


def data_folder_of_gluon() -> Path:
    """Where Gluon keeps the data sets it downloads."""
    return Path(mx.base.data_dir()).expanduser() / "datasets"


def repository_of_gluon() -> str:
    """The address that Gluon downloads data sets from."""
    default = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"
    return os.environ.get("MXNET_GLUON_REPO", default).rstrip("/")


def device(name: str) -> Any:
    """The MXNet context called ``cpu``, ``gpu`` or ``gpu:N``.

    Raises ValueError for another name, and where the GPU asked for is not there.
    """
    match = re.fullmatch(r"(cpu|gpu)(?::(\d+))?", name)
    if match is None or (match[1] == "cpu" and match[2]):
        raise ValueError(f"device must be cpu, gpu or gpu:N, got {name!r}")
    if match[1] == "cpu":
        return mx.cpu()
    index, available = int(match[2] or 0), mx.context.num_gpus()
    if index >= available:
        build = (
            ""
            if mx.runtime.Features().is_enabled("CUDA")
            else ("; this MXNet was built without CUDA: replace it by the mxnet-cu117 wheel")
        )
        raise ValueError(f"device {name} is not there: MXNet sees {available} GPU(s){build}")
    return mx.gpu(index)
