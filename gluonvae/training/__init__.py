"""The training loop, its optimizer and schedules, and the folder of a run."""

from .fit import History, fit
from .optimizer import FusedAdam

__all__ = ["FusedAdam", "History", "fit"]
