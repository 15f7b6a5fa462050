"""Callbacks of :func:`gluonvae.fit`: see :mod:`gluonvae.training.callbacks`; loggers are in :mod:`gluonvae.loggers`."""

from .training.callbacks import Callback, EarlyStopping

__all__ = ["Callback", "EarlyStopping"]
