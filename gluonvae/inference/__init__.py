"""Inference networks: q(z | x), the approximate posterior. A file a kind, and a line here for it."""

from ..distributions.scales import MIN_STD
from .base import DATA_TRANSFORMS, POSTERIORS, InferenceNetwork
from .discrete import (
    BernoulliInferenceNetwork,
    CategoricalInferenceNetwork,
    RelaxedBernoulliInferenceNetwork,
    RelaxedOneHotInferenceNetwork,
)
from .flow_posteriors import (
    HouseholderInferenceNetwork,
    IAFInferenceNetwork,
    PlanarInferenceNetwork,
    RadialInferenceNetwork,
    RealNVPInferenceNetwork,
    SplineInferenceNetwork,
)
from .gaussian import FullCovarianceInferenceNetwork, GaussianInferenceNetwork, LowRankInferenceNetwork
from .hierarchical import HierarchicalInferenceNetwork, LadderInferenceNetwork
from .network import FamilyInferenceNetwork
from .vector_quantized import VectorQuantizedInferenceNetwork

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
