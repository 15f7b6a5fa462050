"""Schedules of learning rates and weights: see :mod:`gluonvae.training.schedules`."""

from .training.schedules import Plateau, Schedule, Warmup, cosine, cyclical, exponential, linear, step

__all__ = ["Plateau", "Schedule", "Warmup", "cosine", "cyclical", "exponential", "linear", "step"]
