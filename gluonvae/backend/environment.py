"""The environment variables that MXNet and its library of threads read when they are loaded."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Optional

_log = logging.getLogger(__name__)

SETTINGS = ("MXNET_ENGINE_TYPE", "OMP_NUM_THREADS", "GOMP_SPINCOUNT", "GLUONVAE_THREADS", "GLUONVAE_RUNTIME")
"""The environment variables that determine how MXNet runs."""

ENGINES = ("NaiveEngine", "ThreadedEngine", "ThreadedEnginePerDevice")
"""The engines of MXNet."""

SPIN_COUNT = "10000"
"""How often a thread that waits for others looks for work before it sleeps. By default libgomp's threads look for some
milliseconds, and take the cores from other processes: two trainings at once are then a quarter as fast each as one."""

ONE_FOR_EACH_CORE = "one for each physical core"
"""How the number of threads is chosen."""

MOST_THREADS = 1024
"""The most threads that are asked for: with 99,999 the process ends without a word."""


def choose(environment: Mapping[str, str], cores: int, gpu_build: bool) -> dict[str, str]:
    """Choose the environment variables to set before MXNet is imported.

    By default MXNet runs operators in too few threads, or, with more, its threaded engine starts more threads than
    there are cores. On a CPU the naive engine avoids both; on a GPU, which needs asynchronous operators, nothing is
    set. Variables that the user has set are respected, where MXNet can read them; ``GLUONVAE_THREADS`` goes before
    ``OMP_NUM_THREADS``.

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
        The variables to set.
    """
    read = _readable(environment)
    chosen = {"MXNET_ENGINE_TYPE": "NaiveEngine", "OMP_NUM_THREADS": str(cores)}
    off = environment.get("GLUONVAE_RUNTIME", "").lower() == "off"
    if gpu_build or off or read.get("MXNET_ENGINE_TYPE", "NaiveEngine") != "NaiveEngine":
        chosen["MXNET_ENGINE_TYPE"] = "ThreadedEnginePerDevice"  # MXNet's own default
        chosen = {name: value for name, value in chosen.items() if name in environment}
    elif not environment.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        chosen["GOMP_SPINCOUNT"] = SPIN_COUNT
    wanted = {**chosen, **read}
    for name in sorted(environment.keys() & {*chosen, "GLUONVAE_THREADS"} - read.keys()):
        if environment[name].strip():
            used = wanted.get("OMP_NUM_THREADS" if name == "GLUONVAE_THREADS" else name, "MXNet's own choice")
            _log.warning("%s=%s cannot be read: %s is used", name, environment[name], used)
    own = wanted.pop("GLUONVAE_THREADS", None)
    if own:
        wanted["OMP_NUM_THREADS"] = own
    return {name: value for name, value in wanted.items() if value != environment.get(name)}


def threads_from(environment: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """Return where the number of threads is from.

    Parameters
    ----------
    environment : Mapping[str, str]
        The environment variables that were set before.
    chosen : Mapping[str, str]
        What :func:`choose` returned.

    Returns
    -------
    str
        The name of a variable, or that of a choice.
    """
    read = _readable(environment)
    for name in ("GLUONVAE_THREADS", "OMP_NUM_THREADS"):
        if name in read:
            return name
    return ONE_FOR_EACH_CORE if "OMP_NUM_THREADS" in chosen else "MXNet's own choice"


def _readable(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are set, in a form that MXNet can read: at another it may abort."""
    read = {name: _thread_count(environment.get(name, "")) for name in ("OMP_NUM_THREADS", "GLUONVAE_THREADS")}
    engine = environment.get("MXNET_ENGINE_TYPE")
    read["MXNET_ENGINE_TYPE"] = engine if engine in ENGINES else None
    return {name: value for name, value in read.items() if value is not None}


def _thread_count(value: str) -> Optional[str]:
    """Return the number of threads in a value of a variable, or None if there is none.

    OpenMP accepts a list, "4,2", of the numbers of threads of nested parallel regions.
    """
    number = re.fullmatch(r"\s*\+?0*([1-9][0-9]{0,3})\s*(,.*)?", value, re.ASCII)
    return number[1] if number and int(number[1]) <= MOST_THREADS else None
