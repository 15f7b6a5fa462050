"""Normalising flows: invertible maps with log-determinants. A file a kind, and a line here for it.

They map the last axis: ``(..., D)`` to ``(..., D)``, with a log-determinant ``(...)``.
"""

from .affine import AffineCoupling as AffineCoupling
from .autoregressive import InverseAutoregressive as InverseAutoregressive
from .base import Chain as Chain
from .base import Flow as Flow
from .base import near_zero as near_zero
from .householder import Householder as Householder
from .planar import Planar as Planar
from .radial import Radial as Radial
from .spline import SplineCoupling as SplineCoupling

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
