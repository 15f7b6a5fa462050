"""Normalising flows: invertible maps with log-determinants. A file a kind, and a line here for it.

They map the last axis: ``(..., D)`` to ``(..., D)``, with a log-determinant ``(...)``.
"""

from .affine import AffineCoupling as AffineCoupling
from .flow import Chain as Chain
from .flow import Flow as Flow

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
