"""Variational autoencoders on Apache MXNet Gluon."""

from __future__ import annotations

import importlib
from typing import Any

from . import data, distributions, flows, generator, inference, networks, noise, objectives, prior, schedules
from ._version import __version__
from .distributions import *
from .distributions import kl_divergence
from .evaluation.diagnostics import Perplexity, perplexity
from .evaluation.estimates import Estimate, MarginalLikelihood, accuracy, evaluate, kl_by_layer, log_marginal_likelihood
from .generator import *
from .graph import summary
from .inference import *
from .models.conditional import ConditionalVAE
from .models.construct import construct_vae
from .models.semi_supervised import SemiSupervisedVAE
from .models.vae import VAE, GaussianVAE, diagonal_gaussian_kl
from .noise import seed
from .objectives import *
from .prior import *
from .training.fit import History, fit
from .training.optimizer import FusedAdam

__all__ = [
    *distributions.__all__,
    *generator.__all__,
    *inference.__all__,
    *objectives.__all__,
    *prior.__all__,
    "ConditionalVAE",
    "Estimate",
    "FusedAdam",
    "GaussianVAE",
    "History",
    "Perplexity",
    "MarginalLikelihood",
    "SemiSupervisedVAE",
    "VAE",
    "__version__",
    "accuracy",
    "construct_vae",
    "data",
    "diagonal_gaussian_kl",
    "distributions",
    "evaluate",
    "fit",
    "flows",
    "kl_by_layer",
    "kl_divergence",
    "log_marginal_likelihood",
    "networks",
    "noise",
    "perplexity",
    "plots",
    "schedules",
    "seed",
    "summary",
]


def __getattr__(name: str) -> Any:
    # matplotlib costs more than everything else here: loaded when it is used.
    if name == "plots":
        return importlib.import_module(".plots", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
