"""Start-up of MXNet: CPU threads, engine and devices, and what the user has set in the environment.

All other modules import ``mx`` from here, so that the environment is set before MXNet is imported.
"""

from __future__ import annotations

import builtins
import ctypes
import functools
import importlib
import logging
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Optional, Union

import numpy

from .environment import ONE_FOR_EACH_CORE, SETTINGS, SPIN_COUNT, choose, threads_from
from .processor import physical_cores
from .static_graphs import mend
from .types import Context

_log = logging.getLogger(__name__)


def import_quietly(name: str) -> ModuleType:
    """Import MXNet 1.9.1, or a package of the same age, without its deprecation warnings.

    MXNet needs ``numpy.bool`` while it is imported, which numpy 1.24 removed: it is defined for the import only, so
    that other packages do not see it. What an import that failed without it left behind is forgotten first.
    scikit-learn, which MXNet imports for its ``FeedForward`` if it finds it, takes a quarter of the time: it is hidden.

    Parameters
    ----------
    name : str
        Name of the module.

    Returns
    -------
    ModuleType
        The module.
    """
    package = name.partition(".")[0]
    if package not in sys.modules:
        for left in [module for module in sys.modules if module.startswith(f"{package}.")]:
            del sys.modules[left]
    hidden = name == "mxnet" and "sklearn" not in sys.modules
    if hidden:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
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
        if hidden:
            del sys.modules["sklearn"]


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


def _cure(error: str, gpu_build: bool) -> str:
    """Return what to do about a library that is missing, or an empty string if that is not known."""
    if any(name in error for name in ("libgomp.so", "libquadmath.so")):
        return (
            ". MXNet needs two libraries of GCC that small systems and containers come without: on Debian and Ubuntu "
            "`apt-get install libgomp1 libquadmath0`, on Fedora and Red Hat `dnf install libgomp libquadmath`"
        )
    if gpu_build:
        return (
            ". MXNet for GPUs needs NVIDIA's driver, the libraries of CUDA 11, cuDNN 8 and NCCL 2, where "
            "LD_LIBRARY_PATH finds them; without a GPU install mxnet==1.9.1 in its place"
        )
    return ""


def openmp_is_loaded() -> bool:
    """Return whether this process has loaded libgomp, which reads its environment variables then."""
    try:
        return "libgomp.so.1" in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


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
    if sys.flags.optimize > 1:
        raise ImportError("MXNet needs docstrings when it is imported, and python -OO drops them: use -O", name="mxnet")
    gpu_build = _gpu_build()
    chosen = choose(os.environ, physical_cores(), gpu_build)
    if "GOMP_SPINCOUNT" in chosen and openmp_is_loaded():
        chosen.pop("GOMP_SPINCOUNT")
        _log.info(
            "libgomp was loaded before gluonvae, by another package, and its threads wait without sleeping: beside "
            "other processes both are slow. Import gluonvae first, or set GOMP_SPINCOUNT=%s",
            SPIN_COUNT,
        )
    os.environ.update(chosen)
    # h5py, which MXNet imports, asks for it: a fork on Python 3.9, at which MXNet would start its engine and say so
    platform.processor()
    try:
        mxnet = import_quietly("mxnet")
    except OSError as error:
        what = f"MXNet's library cannot be loaded: {error}{_cure(str(error), gpu_build)}"
        raise ImportError(what, name="mxnet") from None  # a line on the command line, and no traceback of MXNet's
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


IMPORTED_BEFORE = "mxnet" in sys.modules
"""Whether MXNet was imported before gluonvae: its engine, threads and seed are its importer's then."""
mx: Any
CHOSEN: dict[str, str]
"""The environment variables that were set for MXNet, apart from those set by the user."""
_found = {name: os.environ[name] for name in SETTINGS if name in os.environ}
mx, CHOSEN = _start_mxnet()
THREADS_FROM = "chosen before gluonvae was imported" if IMPORTED_BEFORE else threads_from(_found, CHOSEN)
"""Where the number of threads is from, unless :func:`set_threads` is called."""
mend(mx)


OPENMP = ctypes.CDLL("libgomp.so.1")
"""The library of threads that MXNet and numba use, which is loaded with them."""


def set_threads(count: int) -> None:
    """Set how many threads an operator may take, in this process, before the first of them.

    Parameters
    ----------
    count : int
        At least 1.

    Raises
    ------
    ValueError
        Under another engine than the naive one, whose threads have their number from the start.
    """
    if not engine_is_naive():
        raise ValueError(
            f"the number of threads is set when MXNet starts its engine, {os.environ.get('MXNET_ENGINE_TYPE')}: set "
            f"GLUONVAE_THREADS={count} instead"
        )
    global _threads_are_given
    _threads_are_given = True
    OPENMP.omp_set_num_threads(count)


_threads_are_given = False


def threads_are_chosen() -> bool:
    """Return whether nobody has said how many threads there are to be."""
    return THREADS_FROM == ONE_FOR_EACH_CORE and not _threads_are_given


def engine_is_naive() -> bool:
    """Return whether MXNet runs operators synchronously, in the thread that calls them."""
    return os.environ.get("MXNET_ENGINE_TYPE") == "NaiveEngine"


def data_folder_of_environment() -> Optional[str]:
    """Return the folder in the environment variable ``GLUONVAE_DATA``, or None if it is not set."""
    return os.environ.get("GLUONVAE_DATA") or None


def cache_folder() -> Optional[Path]:
    """Return the folder for what can be made anew: ``GLUONVAE_CACHE``, else the user's cache; None without a home."""
    own = os.environ.get("GLUONVAE_CACHE")
    if own:
        return Path(own)
    of_user = os.environ.get("XDG_CACHE_HOME", "")
    home = os.path.expanduser("~")
    if os.path.isabs(of_user):
        return Path(of_user) / "gluonvae"
    return Path(home) / ".cache" / "gluonvae" if os.path.isabs(home) else None


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
    ctx = mx.gpu(int(match[2] or 0))
    check_device(ctx)
    return ctx


def devices(name: str, count: int) -> list[Context]:
    """Return so many devices of a kind, from the one that is named on, see :func:`device`."""
    if count < 1:
        raise ValueError(f"devices must be at least 1, got {count}")
    first = device(name)
    found = [mx.Context(first.device_type, first.device_id + i) for i in range(count)]
    check_device(found)
    return found


def check_device(ctx: Union[Context, Sequence[Context], None]) -> None:
    """Raise ValueError for a GPU that is not there, which the naive engine would abort the interpreter at.

    Parameters
    ----------
    ctx : Context or sequence of Context, optional
        The current one where left out.
    """
    devices: Any = mx.current_context() if ctx is None else ctx
    for one in [devices] if isinstance(devices, mx.Context) else devices:
        available = mx.context.num_gpus() if is_gpu(one) else 0
        if is_gpu(one) and not 0 <= one.device_id < available:
            hint = "; this MXNet was built without CUDA: replace it by the mxnet-cu117 wheel"
            cuda = mx.runtime.Features().is_enabled("CUDA")
            raise ValueError(
                f"device gpu:{one.device_id} is not there: MXNet sees {available} GPU(s){'' if cuda else hint}"
            )


def _check_copies() -> None:
    """Let MXNet's copy to a device check it first: parameters and batches come to their device by it."""
    copyto = mx.nd.NDArray.copyto

    @functools.wraps(copyto)
    def checked(self: Any, other: Any) -> Any:
        if isinstance(other, mx.Context):
            check_device(other)
        return copyto(self, other)

    mx.nd.NDArray.copyto = checked


if engine_is_naive():
    _check_copies()
