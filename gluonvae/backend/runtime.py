"""Start-up of MXNet: CPU threads, engine and devices. The only module that uses environment variables.

All other modules import ``mx`` from here, so that the environment is set before MXNet is imported.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.metadata
import logging
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

import numpy

from .processor import physical_cores
from .static_graphs import mend
from .types import Context

_log = logging.getLogger(__name__)

SETTINGS = ("MXNET_ENGINE_TYPE", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "GLUONVAE_RUNTIME")
"""The environment variables that determine how MXNet runs."""


def import_quietly(name: str) -> ModuleType:
    """Import MXNet 1.9.1, or a package of the same age, without its deprecation warnings.

    MXNet needs ``numpy.bool`` while it is imported, which numpy 1.24 removed: it is defined for the import only, so
    that other packages do not see it.

    Parameters
    ----------
    name : str
        Name of the module.

    Returns
    -------
    ModuleType
        The module.
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


def _installed(pattern: str) -> bool:
    """Return whether a package is installed, by the name of its metadata folder.

    Reading the metadata of all packages would take longer than the import of gluonvae.
    """
    return any(next(Path(folder).glob(f"{pattern}.dist-info"), None) for folder in sys.path)


def _gpu_build() -> bool:
    """Return whether a build of MXNet for GPUs is installed, such as mxnet-cu117."""
    if not _installed("mxnet_cu*"):
        return False
    if _installed("mxnet-[0-9]*"):
        _log.warning(
            "mxnet and mxnet-cu117 are both installed, one over the other: "
            "uninstall both, then install mxnet-cu117 alone"
        )
    return True


def choose(environment: Mapping[str, str], cores: int, gpu_build: bool) -> dict[str, str]:
    """Choose the environment variables to set before MXNet is imported.

    By default MXNet runs operators in too few threads, or, with more, its threaded engine starts more threads than
    there are cores. On a CPU the naive engine avoids both; on a GPU, which needs asynchronous operators, nothing is
    set. numba is given the same number of threads as MXNet. Variables that the user has set are respected.

    Parameters
    ----------
    environment : Mapping[str, str]
        The environment variables that are set.
    cores : int
        Number of physical cores.
    gpu_build : bool
        Whether MXNet is a build for GPUs.

    Returns
    -------
    dict[str, str]
        The variables to add.
    """
    engine = environment.get("MXNET_ENGINE_TYPE", "NaiveEngine")
    if gpu_build or environment.get("GLUONVAE_RUNTIME") == "off" or engine != "NaiveEngine":
        return {}
    # OpenMP accepts a list, "4,2", of the numbers of threads of nested parallel regions
    threads = environment.get("OMP_NUM_THREADS", str(cores)).split(",")[0]
    chosen = {"MXNET_ENGINE_TYPE": engine, "OMP_NUM_THREADS": str(cores), "NUMBA_NUM_THREADS": threads}
    return {name: value for name, value in chosen.items() if name not in environment}


def _start_mxnet() -> tuple[Any, dict[str, str]]:
    """Import MXNet, start its engine, and return the module and the environment variables that were set for it."""
    off = os.environ.get("GLUONVAE_RUNTIME") == "off"
    if "mxnet" in sys.modules:
        if not off and "MXNET_ENGINE_TYPE" not in os.environ:
            _log.warning(
                "mxnet was imported before gluonvae and keeps its own threads and engine: a training step on "
                "the CPU takes up to twice as long. Import gluonvae first, or set OMP_NUM_THREADS=%d and "
                "MXNET_ENGINE_TYPE=NaiveEngine; GLUONVAE_RUNTIME=off silences this",
                physical_cores(),
            )
        return sys.modules["mxnet"], {}
    gpu_build = _gpu_build()
    chosen = choose(os.environ, physical_cores(), gpu_build)
    if "numba" in sys.modules:
        chosen.pop("NUMBA_NUM_THREADS", None)  # its threads may run already
    os.environ.update(chosen)
    try:
        mxnet = import_quietly("mxnet")
    except OSError as error:
        what = f"MXNet's library cannot be loaded: {error}"
        if gpu_build:
            what = (
                f"MXNet for GPUs cannot be loaded: {error}. It needs NVIDIA's driver, the libraries of CUDA 11, "
                "cuDNN 8 and NCCL 2, where LD_LIBRARY_PATH finds them; without a GPU install mxnet==1.9.1 in its place"
            )
        raise ImportError(what) from error
    if "MXNET_ENGINE_TYPE" in chosen:
        with _silent_stderr():
            mxnet.nd.waitall()
    return mxnet, chosen


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard the error output, of C++ as well: MXNet logs the engine that it starts if it is not the default."""
    try:
        kept = os.dup(2)
    except OSError:  # the process has no error output
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        try:
            os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


mx: Any
CHOSEN: dict[str, str]
"""The environment variables that were set for MXNet, apart from those set by the user."""
mx, CHOSEN = _start_mxnet()
mend(mx)


def engine_is_naive() -> bool:
    """Return whether MXNet runs operators synchronously, in the thread that calls them."""
    return os.environ.get("MXNET_ENGINE_TYPE") == "NaiveEngine"


def data_folder_of_environment() -> Optional[str]:
    """Return the folder in the environment variable ``GLUONVAE_DATA``, or None if it is not set."""
    return os.environ.get("GLUONVAE_DATA") or None


def data_folder_of_gluon() -> Path:
    """Return the folder to which Gluon downloads data sets."""
    return Path(mx.base.data_dir()).expanduser() / "datasets"


def repository_of_gluon() -> str:
    """Return the address from which Gluon downloads data sets."""
    default = "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/"
    return os.environ.get("MXNET_GLUON_REPO", default).rstrip("/")


def is_gpu(ctx: Context) -> bool:
    """Return whether a device is a GPU.

    Parameters
    ----------
    ctx : Context
        The device. Operators of a GPU are asynchronous: reading a result waits for them.

    Returns
    -------
    bool
        True for a GPU.
    """
    return ctx.device_type == "gpu"


def device(name: str) -> Context:
    """Return the MXNet context of a device.

    Parameters
    ----------
    name : str
        "cpu", "gpu" or "gpu:N".

    Returns
    -------
    Context
        ``mx.cpu()`` or ``mx.gpu(N)``.

    Raises
    ------
    ValueError
        If the name is another, or there is no such GPU.
    """
    match = re.fullmatch(r"(cpu|gpu)(?::(\d+))?", name)
    if match is None or (match[1] == "cpu" and match[2]):
        raise ValueError(f"device must be cpu, gpu or gpu:N, got {name!r}")
    if match[1] == "cpu":
        return mx.cpu()
    index, available = int(match[2] or 0), mx.context.num_gpus()
    if index >= available:
        hint = "; this MXNet was built without CUDA: replace it by the mxnet-cu117 wheel"
        cuda = mx.runtime.Features().is_enabled("CUDA")
        raise ValueError(f"device {name} is not there: MXNet sees {available} GPU(s){'' if cuda else hint}")
    return mx.gpu(index)


def describe() -> dict[str, str]:
    """Describe the installation, for bug reports.

    Returns
    -------
    dict[str, str]
        Versions of packages, devices, features of MXNet's build, and the environment variables in :data:`SETTINGS`,
        with whether the user or gluonvae set them.
    """
    gpus = "".join(f", gpu:{index}" for index in range(mx.context.num_gpus()))
    return {
        **{name: _version(name) for name in ("gluonvae", "mxnet", "numpy", "numba", "gluoncv")},
        "python": platform.python_version(),
        "devices": f"cpu ({physical_cores()} cores){gpus}",
        "features": " ".join(name for name, feature in mx.runtime.Features().items() if feature.enabled),
        **{name: _setting(name) for name in SETTINGS},
    }


def _version(package: str) -> str:
    """Return the version of a package, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return _version("mxnet-cu117") if package == "mxnet" else "not installed"


def _setting(name: str) -> str:
    """Return the value of an environment variable and who set it."""
    if name in CHOSEN:
        return f"{CHOSEN[name]} (chosen by gluonvae)"
    return f"{os.environ[name]} (as you set it)" if name in os.environ else "not set"
