"""Priors: p(z). A file a kind, and a line here for it."""

from .prior import PRIORS as PRIORS
from .prior import Prior as Prior
from .standard import StandardNormalPrior as StandardNormalPrior

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
