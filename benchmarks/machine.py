"""What every benchmark prints with its numbers: the machine, the versions, the threads."""

from __future__ import annotations

import os
import platform

import numpy

import gluonvae
from gluonvae.runtime import mx


def describe() -> str:
    threads = {name: os.environ.get(name, "unset") for name in ("OMP_NUM_THREADS", "MXNET_ENGINE_TYPE")}
    return (
        f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, mxnet {mx.__version__}, "
        f"numpy {numpy.__version__}, gluonvae {gluonvae.__version__}; "
        + ", ".join(f"{name} {value}" for name, value in threads.items())
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
