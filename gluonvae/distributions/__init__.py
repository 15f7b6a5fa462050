"""Distributions over vectors, as plain objects over NDArrays or Symbols.

Each is a product over the last axis: with parameters ``(..., D)``, values are ``(..., D)`` and
``log_prob`` is ``(...)``, in nats. Leading axes broadcast, so parameters ``(B, D)`` score values
``(k, B, D)``. An object lives inside one computation and never leaves a block.
"""

from .base import Distribution as Distribution
from .bernoulli import Bernoulli as Bernoulli
from .categorical import OneHotCategorical as OneHotCategorical
from .codes import BinaryCodes as BinaryCodes
from .codes import Codes as Codes
from .codes import OneHotCodes as OneHotCodes
from .codes import RelaxedBernoulli as RelaxedBernoulli
from .codes import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from .continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from .discretized_logistic import DiscretizedLogistic as DiscretizedLogistic
from .discretized_logistic import DiscretizedLogisticMixture as DiscretizedLogisticMixture
from .kl import has_closed_form_kl as has_closed_form_kl
from .kl import has_kl_by_variable as has_kl_by_variable
from .kl import kl_by_variable as kl_by_variable
from .kl import kl_divergence as kl_divergence
from .kl import register_kl as register_kl
from .laplace import Laplace as Laplace
from .layered import Layered as Layered
from .low_rank import LowRankNormal as LowRankNormal
from .mixture import Mixture as Mixture
from .multivariate_normal import MultivariateNormal as MultivariateNormal
from .negative_binomial import NegativeBinomial as NegativeBinomial
from .normal import Normal as Normal
from .normal import StandardNormal as StandardNormal
from .poisson import Poisson as Poisson
from .quantized import CodeVectors as CodeVectors
from .quantized import Quantized as Quantized
from .transformed import Rotated as Rotated
from .transformed import Transformed as Transformed

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
