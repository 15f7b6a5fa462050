"""The training loop, its optimizer and schedules, and the folder of a run."""

from .divergence import Diverged
from .fit import History, fit
from .loading import LoadedRun, load
from .optimizer import FusedAdaGrad, FusedAdam, FusedAdamax, FusedNAG, FusedRMSProp, FusedSGD
from .trainer import Trainer

__all__ = [
    "Diverged",
    "FusedAdaGrad",
    "FusedAdam",
    "FusedAdamax",
    "FusedNAG",
    "FusedRMSProp",
    "FusedSGD",
    "History",
    "LoadedRun",
    "Trainer",
    "fit",
    "load",
]
