"""Distributions over vectors, as plain objects over NDArrays or Symbols.

Each is a product over the last axis: with parameters ``(..., D)``, values are ``(..., D)`` and
``log_prob`` is ``(...)``, in nats. Leading axes broadcast, so parameters ``(B, D)`` score values
``(k, B, D)``. An object lives inside one computation and never leaves a block.
"""

from .bernoulli import Bernoulli
from .distribution import Distribution
from .kl import kl_divergence, register_kl
from .normal import Normal, StandardNormal

__all__ = ["Bernoulli", "Distribution", "Normal", "StandardNormal", "kl_divergence", "register_kl"]
