"""Bounds on log p(x), as HybridBlocks over a model. A file a family, and a line here for each."""

from .elbo import ELBO as ELBO
from .importance import IWAE as IWAE
from .objective import BOUNDS as BOUNDS
from .objective import Objective as Objective
from .objective import Terms as Terms

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
