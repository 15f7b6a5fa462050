"""What the tests of graphs that are one program share."""

import ctypes
from pathlib import Path

import numpy as np

from tests.helpers import draw, pixels


def make_inputs(bound, rows):
    """Pixels and noise for a bound, the same for the same number of rows."""
    rng = np.random.default_rng(rows)
    return pixels(rng, rows, bound.vae.data_dims), draw(rng, bound.noise, (rows,))


def gradients(bound):
    """Those of the parameters that have any."""
    return [p.grad() for p in bound.vae.collect_params().values() if p.grad_req != "null"]


def resident():
    """The memory of this process in bytes, without what malloc has and nobody uses."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: holes of freed tensors stay in the heap
    if trim is not None:
        trim(0)
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])
