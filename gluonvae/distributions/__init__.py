"""Distributions over vectors, as plain objects over NDArrays or Symbols.

Each is a product over the last axis: with parameters ``(..., D)``, values are ``(..., D)`` and
``log_prob`` is ``(...)``, in nats. Leading axes broadcast, so parameters ``(B, D)`` score values
``(k, B, D)``. An object lives inside one computation and never leaves a block.
"""

from .base import Distribution
from .bernoulli import Bernoulli
from .categorical import OneHotCategorical
from .continuous_bernoulli import ContinuousBernoulli
from .counts import NegativeBinomial, Poisson
from .discrete import BinaryCodes, Codes, OneHotCodes
from .discretized_logistic import DiscretizedLogistic, DiscretizedLogisticMixture
from .family import Family
from .kl import has_closed_form_kl, has_kl_by_variable, kl_by_variable, kl_divergence, register_kl, rsample_and_kl
from .laplace import Laplace
from .layered import Layered
from .library import ObservedLibrary
from .mixture import Mixture, MixtureNoise
from .multivariate_normal import LowRankNormal, MultivariateNormal
from .normal import Normal, StandardNormal
from .observed import Observed
from .quantized import CodeVectors, Quantized
from .relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from .transformed import Rotated, Transformed
from .zero_inflated import ZeroInflatedNegativeBinomial, ZeroInflatedPoisson

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
