"""Generators: p(x | z), the likelihood. A file a kind, and a line here for it."""

from .bernoulli import ProductOfBernoullisGenerator as ProductOfBernoullisGenerator
from .generator import LIKELIHOODS as LIKELIHOODS
from .generator import DenseGenerator as DenseGenerator
from .generator import Generator as Generator

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
