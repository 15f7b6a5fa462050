"""Inference networks: q(z | x), the approximate posterior. A file a kind, and a line here for it."""

from .gaussian import GaussianInferenceNetwork as GaussianInferenceNetwork
from .inference import MIN_STD as MIN_STD
from .inference import POSTERIORS as POSTERIORS
from .inference import DenseInferenceNetwork as DenseInferenceNetwork
from .inference import InferenceNetwork as InferenceNetwork

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
