"""Priors: p(z). A file a kind, and a line here for it."""

from .base import PRIORS as PRIORS
from .base import Prior as Prior
from .codebook import CodebookPrior as CodebookPrior
from .codes import CodePrior as CodePrior
from .conditional import ConditionalPrior as ConditionalPrior
from .diagonal import DiagonalGaussianPrior as DiagonalGaussianPrior
from .flow import FlowPrior as FlowPrior
from .hierarchical import HierarchicalPrior as HierarchicalPrior
from .mixture import MixturePrior as MixturePrior
from .standard import StandardNormalPrior as StandardNormalPrior
from .vamp import VampPrior as VampPrior

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
