"""Inference networks: q(z | x), the approximate posterior. A file a kind, and a line here for it."""

from .base import MIN_STD as MIN_STD
from .base import POSTERIORS as POSTERIORS
from .base import DenseInferenceNetwork as DenseInferenceNetwork
from .base import InferenceNetwork as InferenceNetwork
from .binary import BernoulliInferenceNetwork as BernoulliInferenceNetwork
from .binary import RelaxedBernoulliInferenceNetwork as RelaxedBernoulliInferenceNetwork
from .categorical import CategoricalInferenceNetwork as CategoricalInferenceNetwork
from .categorical import RelaxedOneHotInferenceNetwork as RelaxedOneHotInferenceNetwork
from .codes import CodeInferenceNetwork as CodeInferenceNetwork
from .codes import RelaxedInferenceNetwork as RelaxedInferenceNetwork
from .flow import ConditionedFlowInferenceNetwork as ConditionedFlowInferenceNetwork
from .flow import FlowInferenceNetwork as FlowInferenceNetwork
from .full_covariance import FullCovarianceInferenceNetwork as FullCovarianceInferenceNetwork
from .gaussian import GaussianInferenceNetwork as GaussianInferenceNetwork
from .hierarchical import HierarchicalInferenceNetwork as HierarchicalInferenceNetwork
from .householder import HouseholderInferenceNetwork as HouseholderInferenceNetwork
from .iaf import IAFInferenceNetwork as IAFInferenceNetwork
from .ladder import LadderInferenceNetwork as LadderInferenceNetwork
from .layered import LayeredInferenceNetwork as LayeredInferenceNetwork
from .low_rank import LowRankInferenceNetwork as LowRankInferenceNetwork
from .planar import PlanarInferenceNetwork as PlanarInferenceNetwork
from .radial import RadialInferenceNetwork as RadialInferenceNetwork
from .real_nvp import RealNVPInferenceNetwork as RealNVPInferenceNetwork
from .spline import SplineInferenceNetwork as SplineInferenceNetwork
from .vector_quantized import VectorQuantizedInferenceNetwork as VectorQuantizedInferenceNetwork

__all__ = [name for name, thing in globals().items() if isinstance(thing, type)]
