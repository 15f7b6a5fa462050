"""Generators: p(x | z), the likelihood. A file a kind, and a line here for it."""

from .base import LIKELIHOODS, Generator
from .bernoulli import ProductOfBernoullisGenerator
from .categorical import CategoricalGenerator
from .continuous_bernoulli import ContinuousBernoulliGenerator
from .counts import (
    NegativeBinomialGenerator,
    PoissonGenerator,
    ZeroInflatedNegativeBinomialGenerator,
    ZeroInflatedPoissonGenerator,
)
from .discretized_logistic import DiscretizedLogisticGenerator, DiscretizedLogisticMixtureGenerator
from .location_scale import GaussianGenerator, LaplaceGenerator
from .network import FamilyGenerator

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
