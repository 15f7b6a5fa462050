"""Posteriors that normalising flows make of a diagonal Gaussian."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from .. import checks
from ..distributions import Distribution, Normal, Rotated, Transformed
from ..distributions.family import signature_with
from ..flows import AffineCoupling, Chain, Flow, Householder, InverseAutoregressive, Planar, Radial, SplineCoupling
from ..networks import max_units
from .base import POSTERIORS
from .gaussian import DiagonalGaussian
from .network import FamilyInferenceNetwork


class FlowFamily(DiagonalGaussian):
    """Diagonal Gaussians transformed by a chain of flows that depend on the data through a context.

    The parameters are ``(mean, std, context)``, ``(B, D)``, ``(B, D)`` and ``(B, C)``. A kind names its flow,
    ``flow_type``, every other of which is flipped, if it can be.

    Parameters
    ----------
    latent_variable_size : int
        D.
    std : {"softplus", "exp"}
        See :class:`DiagonalGaussian`.
    flow_length : int
        Number of flows.
    context_size : int
        C, the number of features of the data that each flow depends on.
    **flow_options
        Arguments of ``flow_type``, such as ``hidden_sizes``; its ``act_type`` is that of the inference network.
    """

    distribution_type: type[Distribution] = Transformed
    supports_bfloat16 = False
    flow_type: ClassVar[type[Flow]]
    not_in_parameters = "the flow, which makes a latent state of a draw from this Gaussian"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls.__signature__ = signature_with(cls, cls.flow_type, ("flip",))

    fixed: ClassVar[tuple[str, ...]] = ("context_size",)

    def __init__(
        self,
        latent_variable_size: int,
        std: str = "softplus",
        flow_length: int = 4,
        context_size: int = 50,
        **flow_options: Any,
    ) -> None:
        super().__init__(latent_variable_size, std)
        self.context_size = checks.positive_int("context_size", context_size)
        flow_options["context_size"] = self.context_size
        flips = "flip" in inspect.signature(self.flow_type).parameters
        with self.name_scope():
            self.flow = Chain(
                self.flow_type(self.size, **flow_options, **({"flip": number % 2 == 1} if flips else {}))
                for number in range(checks.positive_int("flow_length", flow_length))
            )

    @property
    def heads(self) -> dict[str, int]:
        return {**super().heads, "context": self.context_size}

    def distribution(self, *parameters: Any, **named: Any) -> Distribution:
        kind: Any = self.distribution_type
        mean, std, context = parameters
        return kind(Normal(mean, std), self.flow, context)

    @property
    def floats_per_sample(self) -> int:
        return max(super().floats_per_sample, max_units(self.flow))


class PlanarFamily(FlowFamily):
    """Diagonal Gaussians transformed by planar flows, see :class:`FlowFamily` and :class:`gluonvae.flows.Planar`."""

    flow_type = Planar


@POSTERIORS.register("planar")
class PlanarInferenceNetwork(FamilyInferenceNetwork):
    """A posterior by planar flows (Rezende and Mohamed 2015), see :class:`PlanarFamily` and
    :class:`FamilyInferenceNetwork`."""

    family_type = PlanarFamily


class RadialFamily(FlowFamily):
    """Diagonal Gaussians transformed by radial flows, see :class:`FlowFamily` and :class:`gluonvae.flows.Radial`."""

    flow_type = Radial


@POSTERIORS.register("radial")
class RadialInferenceNetwork(FamilyInferenceNetwork):
    """A posterior by radial flows (Rezende and Mohamed 2015), see :class:`RadialFamily` and
    :class:`FamilyInferenceNetwork`."""

    family_type = RadialFamily


class HouseholderFamily(FlowFamily):
    """Reflected diagonal Gaussians, see :class:`FlowFamily` and :class:`gluonvae.flows.Householder`."""

    distribution_type = Rotated
    flow_type = Householder


@POSTERIORS.register("householder")
class HouseholderInferenceNetwork(FamilyInferenceNetwork):
    """A Gaussian posterior of any covariance, by reflections of a diagonal one (Tomczak and Welling 2016), see
    :class:`HouseholderFamily` and :class:`FamilyInferenceNetwork`. Its KL to a standard normal has a closed form."""

    family_type = HouseholderFamily


class InverseAutoregressiveFamily(FlowFamily):
    """Diagonal Gaussians transformed by inverse autoregressive flows in alternating orders.

    See :class:`FlowFamily` and :class:`gluonvae.flows.InverseAutoregressive`.
    """

    flow_type = InverseAutoregressive


@POSTERIORS.register("iaf")
class IAFInferenceNetwork(FamilyInferenceNetwork):
    """A posterior by inverse autoregressive flows (Kingma et al. 2016), see :class:`InverseAutoregressiveFamily` and
    :class:`FamilyInferenceNetwork`.

    Scoring a latent state that is not its own draw takes D times as long as drawing one: so do the gradients
    "stl" and "dreg", and a VampPrior.
    """

    family_type = InverseAutoregressiveFamily


class AffineCouplingFamily(FlowFamily):
    """Diagonal Gaussians transformed by affine couplings that move one half and then the other.

    See :class:`FlowFamily` and :class:`gluonvae.flows.AffineCoupling`.
    """

    flow_type = AffineCoupling


@POSTERIORS.register("real_nvp")
class RealNVPInferenceNetwork(FamilyInferenceNetwork):
    """A posterior by affine couplings (Dinh, Sohl-Dickstein and Bengio 2017), see :class:`AffineCouplingFamily`
    and :class:`FamilyInferenceNetwork`. It needs 2 latent variables or more."""

    family_type = AffineCouplingFamily


class SplineCouplingFamily(FlowFamily):
    """Diagonal Gaussians transformed by rational-quadratic splines that move one half and then the other.

    See :class:`FlowFamily` and :class:`gluonvae.flows.SplineCoupling`.
    """

    flow_type = SplineCoupling


@POSTERIORS.register("spline")
class SplineInferenceNetwork(FamilyInferenceNetwork):
    """A posterior by rational-quadratic spline couplings (Durkan et al. 2019), see :class:`SplineCouplingFamily`
    and :class:`FamilyInferenceNetwork`. It needs 2 latent variables or more."""

    family_type = SplineCouplingFamily
