"""Variational autoencoders on Apache MXNet Gluon."""

from __future__ import annotations

import importlib
from typing import Any

from . import data, distributions, networks, noise, schedules
from ._version import __version__
from .distributions import Bernoulli, Normal, StandardNormal, kl_divergence
from .evaluation import Estimate, MarginalLikelihood, evaluate, log_marginal_likelihood
from .generator import Generator, ProductOfBernoullisGenerator
from .graph import summary
from .inference import GaussianInferenceNetwork, InferenceNetwork
from .noise import seed
from .objectives import ELBO, IWAE, Objective, Terms
from .optimizer import FusedAdam
from .training import History, fit
from .vae import VAE, GaussianVAE, construct_vae, diagonal_gaussian_kl

__all__ = [
    "ELBO",
    "IWAE",
    "VAE",
    "Bernoulli",
    "Estimate",
    "FusedAdam",
    "GaussianInferenceNetwork",
    "GaussianVAE",
    "Generator",
    "History",
    "InferenceNetwork",
    "MarginalLikelihood",
    "Normal",
    "Objective",
    "ProductOfBernoullisGenerator",
    "StandardNormal",
    "Terms",
    "__version__",
    "construct_vae",
    "data",
    "diagonal_gaussian_kl",
    "distributions",
    "evaluate",
    "fit",
    "kl_divergence",
    "log_marginal_likelihood",
    "networks",
    "noise",
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
