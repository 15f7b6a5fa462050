"""What every benchmark prints with its numbers: the machine, the versions, the threads; and how fast
the machine is at what every step is made of."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from typing import Any, Callable

import numpy

import gluonvae
from gluonvae.backend.runtime import mx


def describe(device: str = "cpu") -> str:
    threads = {name: os.environ.get(name, "unset") for name in ("OMP_NUM_THREADS", "MXNET_ENGINE_TYPE")}
    return (
        f"{_processor()}, {os.cpu_count()} cores{'' if device == 'cpu' else ', ' + _gpu()}; "
        f"Python {platform.python_version()}, mxnet {mx.__version__}, "
        f"numpy {numpy.__version__}, gluonvae {gluonvae.__version__}; "
        + ", ".join(f"{name} {value}" for name, value in threads.items())
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _gpu() -> str:
    try:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "a GPU"


def matrix_speed(ctx: Any = None) -> float:
    """GFLOP/s of a large Dense in MXNet, as gluonvae starts it."""
    data, weight = (mx.nd.random.normal(shape=shape, ctx=ctx) for shape in ((2048, 784), (512, 784)))
    dense = _median(lambda: mx.nd.FullyConnected(data, weight, num_hidden=512, no_bias=True).wait_to_read())
    return 2e-9 * 2048 * 784 * 512 / dense


def copy_speed(ctx: Any = None) -> float:
    """Bytes a second that a copy reads and writes, of arrays as large as the tutorial's model."""
    source = numpy.ones(1_146_584, numpy.float32)
    target = numpy.empty_like(source)
    if ctx is None or ctx.device_type == "cpu":
        return 2 * source.nbytes / _median(lambda: numpy.copyto(target, source))
    there, copied = mx.nd.array(source, ctx=ctx), mx.nd.array(target, ctx=ctx)
    return 2 * source.nbytes / _median(lambda: there.copyto(copied).wait_to_read())


def _median(run: Callable[[], Any], repeats: int = 50) -> float:
    """Seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
