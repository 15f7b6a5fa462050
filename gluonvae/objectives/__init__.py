"""Bounds on log p(x), as HybridBlocks over a model. A file a family, and a line here for each."""

from ..weights import Weight
from .base import BOUNDS, Objective
from .beta_tc import BetaTC
from .capacity import CapacityELBO
from .elbo import ELBO
from .free_bits import FreeBitsELBO
from .importance import IWAE
from .info import InfoVAE
from .miwae import CIWAE, MIWAE, PIWAE
from .observed import ObservedIWAE
from .renyi import Renyi
from .score_function import NVIL, VIMCO
from .semi_supervised import SemiSupervisedELBO
from .terms import Inputs, Terms
from .vq import VQELBO

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
