"""How MXNet is started: CPU threads, engine, devices. The only module that touches the environment.

Every other module takes ``mxnet`` from here, so that what the import needs is done first.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.metadata
import logging
import math
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

_log = logging.getLogger(__name__)

SETTINGS = ("MXNET_ENGINE_TYPE", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "GLUONVAE_RUNTIME")
"""What of the environment has a say in how MXNet runs."""


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


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads counted once, and no more than a container's
    share of the CPU."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    topology = Path("/sys/devices/system/cpu")
    cores = {_text(topology / f"cpu{cpu}" / "topology/thread_siblings_list") or str(cpu) for cpu in allowed}
    quota, _, period = _text(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    share = int(quota) / int(period) if quota.isdigit() and period.isdigit() else math.inf
    return max(1, math.floor(min(len(cores), share)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def bfloat16_in_hardware() -> bool:
    """Whether the CPU has instructions for products of bfloat16."""
    return bool(re.search(r"\b(avx512_bf16|amx_bf16)\b", _text(Path("/proc/cpuinfo"))))


def _installed(pattern: str) -> bool:
    """Whether a package is installed whose metadata's folder has such a name.

    By names of folders: to read the metadata of every package takes longer than gluonvae's own import.
    """
    return any(next(Path(folder).glob(f"{pattern}.dist-info"), None) for folder in sys.path)


def _gpu_build() -> bool:
    """Whether an MXNet for GPUs is installed: its wheels are called mxnet-cu117 and the like."""
    if not _installed("mxnet_cu*"):
        return False
    if _installed("mxnet-[0-9]*"):
        _log.warning(
            "mxnet and mxnet-cu117 are both installed, one over the other: "
            "uninstall both, then install mxnet-cu117 alone"
        )
    return True


def choose(environment: Mapping[str, str], cores: int, gpu_build: bool) -> dict[str, str]:
    """What to add to ``environment`` before MXNet is imported.

    As it comes, MXNet gives its operators one thread on two cores; with more, its threaded engine
    has more threads than cores. The naive engine has neither fault, but is synchronous: on a GPU
    it would be wrong. numba, which would take every logical core, gets as many threads as MXNet: more
    than there are cores wait for each other, spinning. What the user has set stays, and decides what goes
    with it.
    """
    if environment.get("GLUONVAE_RUNTIME") == "off" or gpu_build:
        return {}
    # as OpenMP reads it, "4,2" is for regions in regions
    threads = environment.get("OMP_NUM_THREADS", str(cores)).split(",")[0]
    chosen = {"MXNET_ENGINE_TYPE": "NaiveEngine", "OMP_NUM_THREADS": str(cores), "NUMBA_NUM_THREADS": threads}
    if environment.get("MXNET_ENGINE_TYPE", "NaiveEngine") != "NaiveEngine":
        return {}
    return {name: value for name, value in chosen.items() if name not in environment}


def _start_mxnet() -> tuple[Any, dict[str, str]]:
    """MXNet, imported and its engine started, and what was chosen for it."""
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
        raise ImportError(_what_is_missing(error, gpu_build)) from error
    if "MXNET_ENGINE_TYPE" in chosen:
        with _silent_stderr():
            mxnet.nd.waitall()
    return mxnet, chosen


def _what_is_missing(error: OSError, gpu_build: bool) -> str:
    if not gpu_build:
        return f"MXNet's library cannot be loaded: {error}"
    return (
        f"MXNet for GPUs cannot be loaded: {error}. It needs NVIDIA's driver, the libraries of CUDA 11, cuDNN 8 "
        "and NCCL 2, where LD_LIBRARY_PATH finds them; without a GPU install mxnet==1.9.1 in its place"
    )


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """While it lasts, nothing reaches the error output, also from C++: MXNet announces there which
    engine it starts, whenever that is not the usual one."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without one
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
"""What was set for MXNet, and was not set by the user."""
mx, CHOSEN = _start_mxnet()


def engine_is_naive() -> bool:
    """Whether operators run one after another in the thread that calls them."""
    return os.environ.get("MXNET_ENGINE_TYPE") == "NaiveEngine"


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


def is_gpu(ctx: Any) -> bool:
    """Whether what is computed on ``ctx`` is computed behind Python's back, and reading it waits."""
    return ctx.device_type == "gpu"


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


def describe() -> dict[str, str]:
    """Versions, devices, features of MXNet's build, and its settings with who made them."""
    gpus = mx.context.num_gpus()
    features = [name for name, feature in mx.runtime.Features().items() if feature.enabled]
    packages = ("gluonvae", "mxnet", "numpy", "numba", "gluoncv")
    return {
        **{name: _version(name) for name in packages},
        "python": platform.python_version(),
        "devices": f"cpu ({physical_cores()} cores)" + "".join(f", gpu:{index}" for index in range(gpus)),
        "features": " ".join(features),
        **{name: _setting(name) for name in SETTINGS},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return _version("mxnet-cu117") if package == "mxnet" else "not installed"


def _setting(name: str) -> str:
    if name in CHOSEN:
        return f"{CHOSEN[name]} (chosen by gluonvae)"
    return f"{os.environ[name]} (as you set it)" if name in os.environ else "not set"
