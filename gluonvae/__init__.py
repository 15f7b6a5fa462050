"""Variational autoencoders on Apache MXNet Gluon."""

from __future__ import annotations

import importlib
from typing import Any

from . import (
    backend,
    callbacks,
    data,
    distributed,
    distributions,
    evaluation,
    flows,
    generator,
    inference,
    loggers,
    models,
    networks,
    noise,
    objectives,
    prior,
    schedules,
    training,
)
from ._version import __version__
from .backend.operators import BFLOAT16
from .distributions import *
from .distributions import kl_divergence
from .evaluation import *
from .generator import *
from .graph import summary
from .inference import *
from .models import *
from .noise import seed
from .objectives import *
from .prior import *
from .training import *

__all__ = [
    "BFLOAT16",
    "__version__",
    "backend",
    "callbacks",
    "data",
    "distributed",
    "distributions",
    "export",
    "flows",
    "generator",
    "inference",
    "kl_divergence",
    "loggers",
    "networks",
    "noise",
    "objectives",
    "plots",
    "prior",
    "schedules",
    "seed",
    "summary",
    *distributions.__all__,
    *evaluation.__all__,
    *generator.__all__,
    *inference.__all__,
    *models.__all__,
    *objectives.__all__,
    *prior.__all__,
    *training.__all__,
]


def __getattr__(name: str) -> Any:
    # loaded when they are used: matplotlib costs more than everything else here, and scikit-learn may be missing
    if name in ("export", "plots", "sklearn"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
