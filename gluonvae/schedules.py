"""Schedules of learning rates and weights: see :mod:`gluonvae.training.schedules`."""

from .training.schedules import Schedule, cosine, cyclical, exponential, linear

__all__ = ["Schedule", "cosine", "cyclical", "exponential", "linear"]
