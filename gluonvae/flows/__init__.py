"""Normalising flows: invertible maps with a tractable Jacobian determinant.

Every flow acts on the last axis, ``(..., D)`` to ``(..., D)``, and also returns the log-determinant of its
Jacobian, ``(...)``.
"""

from .affine import AffineCoupling
from .autoregressive import InverseAutoregressive
from .base import Chain, Flow, near_zero
from .householder import Householder
from .planar import Planar
from .radial import Radial
from .spline import SplineCoupling

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
