"""Generators: p(x | z), the likelihood. A file a kind, and a line here for it."""

from .base import LIKELIHOODS as LIKELIHOODS
from .base import DenseGenerator as DenseGenerator
from .base import Generator as Generator
from .bernoulli import ProductOfBernoullisGenerator as ProductOfBernoullisGenerator
from .categorical import CategoricalGenerator as CategoricalGenerator
from .continuous_bernoulli import ContinuousBernoulliGenerator as ContinuousBernoulliGenerator
from .counts import NegativeBinomialGenerator as NegativeBinomialGenerator
from .counts import PoissonGenerator as PoissonGenerator
from .discretized_logistic import DiscretizedLogisticGenerator as DiscretizedLogisticGenerator
from .discretized_logistic import DiscretizedLogisticMixtureGenerator as DiscretizedLogisticMixtureGenerator
from .location_scale import GaussianGenerator as GaussianGenerator
from .location_scale import LaplaceGenerator as LaplaceGenerator

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
