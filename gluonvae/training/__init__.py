"""The training loop, its optimizer and schedules, and the folder of a run."""

from .divergence import Diverged
from .fit import History, fit
from .optimizer import FusedAdam

__all__ = ["Diverged", "FusedAdam", "History", "fit"]
