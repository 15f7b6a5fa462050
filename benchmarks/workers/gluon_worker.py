"""gluonvae as it comes ("ours") and with products in bfloat16, and Gluon as it comes ("plain", "imperative").

gluon_worker.py ours|bfloat16|plain|imperative cpu|gpu
"""

from __future__ import annotations

import itertools
import os
import sys

os.environ["GLUONVAE_RUNTIME"] = "on" if sys.argv[1] in ("ours", "bfloat16") else "off"

from gluon_model import STATIC, Training, construct
from serve import Given, Row, Tasks, peak, serve

import gluonvae as gv
from gluonvae.backend import installation, runtime
from gluonvae.backend.runtime import mx

VARIANT = sys.argv[1]
CTX = runtime.device(sys.argv[2])
HYBRIDIZE = {"ours": STATIC, "bfloat16": STATIC, "plain": {}, "imperative": None}[VARIANT]


def make(row: Row, given: Given) -> Tasks:
    if "noise" in given:
        training = Training(row, given, CTX, HYBRIDIZE, "fusedadam" if HYBRIDIZE is STATIC else "adam")
        training.bound.mixed_precision("bfloat16" if VARIANT == "bfloat16" else "float32")
        return {"step": training.step, "gradients": training.gradients}
    vae, seeds = construct(row, given, CTX), itertools.count()

    def likelihood() -> list[float]:
        return gv.log_marginal_likelihood(vae, given["data"], row.samples, seed=next(seeds)).log_likelihood.tolist()

    return {"likelihood": likelihood}


def memory() -> int:
    """That of the device."""
    if CTX.device_type == "cpu":
        return peak()
    free, total = mx.context.gpu_memory_info(CTX.device_id)
    return total - free  # MXNet keeps what it has once had


settings = ", ".join(f"{name} {value}" for name, value in installation.describe().items() if name.isupper())
serve(make, f"mxnet {mx.__version__}, {VARIANT}: {settings}", memory)
