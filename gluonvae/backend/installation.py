"""What is installed and how it was started: for bug reports, and for who repeats a run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from .environment import SETTINGS
from .processor import physical_cores, processor_name
from .regions.availability import PACKAGE, why_no_products, why_not
from .runtime import CHOSEN, OPENMP, THREADS_FROM, mx


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
        **{name: _version(name) for name in ("gluonvae", "mxnet", "numpy", "numba", PACKAGE, "gluoncv")},
        "python": platform.python_version(),
        "devices": f"cpu ({physical_cores()} cores){gpus}",
        "features": " ".join(name for name, feature in mx.runtime.Features().items() if feature.enabled),
        **{name: _setting(name) for name in SETTINGS},
        "operators": _operators(),
        "threads": f"{threads()} ({THREADS_FROM})",
    }


def _operators() -> str:
    """Return which operators are compiled ones, and why others are MXNet's own."""
    none, no_products = why_not(), why_no_products()
    if none:
        return f"MXNet's own: {none}"
    return f"compiled, but matrix products are MXNet's own: {no_products}" if no_products else "compiled"


def conditions() -> dict[str, Any]:
    """Tell what the numbers of a run depend on beside its seed, its options and its device.

    Where all of it is the same, they are the same to the bit. Otherwise they are the same to rounding, which a training
    lets grow; another version may also draw other noise.

    Returns
    -------
    dict[str, Any]
        ``versions`` of Python and the packages, ``engine`` of MXNet, ``threads`` of an operator and ``processor``; fit
        for JSON.
    """
    packages = ("gluonvae", "mxnet", "numpy", "numba", PACKAGE, "scipy")
    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in packages}},
        "engine": os.environ.get("MXNET_ENGINE_TYPE", "ThreadedEnginePerDevice"),
        "threads": threads(),
        "processor": processor_name(),
    }


def threads() -> int:
    """Return how many threads an operator of MXNet takes in this process."""
    return OPENMP.omp_get_max_threads()


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
