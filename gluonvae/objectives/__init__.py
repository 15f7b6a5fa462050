"""Bounds on log p(x), as HybridBlocks over a model. A file a family, and a line here for each."""

from .base import BOUNDS as BOUNDS
from .base import Objective as Objective
from .base import Terms as Terms
from .beta_tc import BetaTC as BetaTC
from .capacity import CapacityELBO as CapacityELBO
from .elbo import ELBO as ELBO
from .free_bits import FreeBitsELBO as FreeBitsELBO
from .importance import IWAE as IWAE
from .info import InfoVAE as InfoVAE
from .miwae import CIWAE as CIWAE
from .miwae import MIWAE as MIWAE
from .miwae import PIWAE as PIWAE
from .renyi import Renyi as Renyi
from .score_function import NVIL as NVIL
from .score_function import VIMCO as VIMCO
from .semi_supervised import SemiSupervisedELBO as SemiSupervisedELBO
from .vq import VQELBO as VQELBO

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
