"""Priors: p(z). A file a kind, and a line here for it."""

from .base import PRIORS, Prior
from .codebook import CodebookPrior
from .codes import CodePrior
from .conditional import ConditionalPrior
from .diagonal import DiagonalGaussianPrior
from .hierarchical import HierarchicalPrior
from .mixture import MixturePrior
from .real_nvp import FlowPrior
from .standard import StandardNormalPrior
from .vamp import VampPrior

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
