"""What every posterior that is made by flows answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import Distribution, Normal, Transformed
from ..flows import Chain, Flow
from ..networks import Activation, Layers, widest_layer
from .base import STD_TRANSFORMS, DenseInferenceNetwork


class FlowInferenceNetwork(DenseInferenceNetwork):
    """A diagonal Gaussian, and a chain of flows that make another density of it. Its parameters are
    ``(mean, std, context)``, ``(B, D)``, ``(B, D)`` and ``(B, C)``: the flows depend on the data through the
    context. Abstract: a kind defines ``step(number)``.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, shared_layers, std, data_transform : see
        :class:`GaussianInferenceNetwork`; there is one more head, for the context.
    flow_length : how many flows there are.
    context_size : C.
    """

    distribution_type: Optional[type[Distribution]] = Transformed
    bears_bfloat16 = False

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        shared_layers: Optional[int] = 1,
        std: str = "softplus",
        data_transform: Optional[str] = None,
        flow_length: int = 4,
        context_size: int = 50,
    ) -> None:
        checks.positive_int("context_size", context_size)
        heads = {"mean": latent_variable_size, "std": latent_variable_size, "context": context_size}
        super().__init__(latent_variable_size, layer_sizes, act_type, data_dims, heads, shared_layers, data_transform)
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]
        self.context_size = context_size
        with self.name_scope():
            self.flow = Chain(self.step(number) for number in range(checks.positive_int("flow_length", flow_length)))

    @property
    def width(self) -> int:
        return max(super().width, widest_layer(self.flow))

    def step(self, number: int) -> Flow:
        """The flow of this number in the chain, the first being 0; it takes a context ``(B, C)``."""
        raise NotImplementedError(f"{type(self).__name__} must define step(number)")

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        features = self.shared(data)
        return self.mean_head(features), self.std_transform(self.std_head(features)), self.context_head(features)

    def sample_latent_state(  # type: ignore[override]
        self, mean: Tensor, std: Tensor, context: Tensor, noise: Optional[Tensor] = None
    ) -> Tensor:
        """``mean + std * noise`` as the flows map it, ``(B, D)``, or ``(k, B, D)`` for noise of that shape."""
        return super().sample_latent_state(mean, std, context, noise=noise)

    def distribution(self, mean: Tensor, std: Tensor, context: Tensor) -> Transformed:
        return Transformed(Normal(mean, std), self.flow, context)


class ConditionedFlowInferenceNetwork(FlowInferenceNetwork):
    """A posterior by flows each of which has a network of its own, of the same activation as the other layers.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, shared_layers, std, data_transform : see
        :class:`GaussianInferenceNetwork`.
    flow_length, context_size : see :class:`FlowInferenceNetwork`.
    hidden_sizes : widths of the hidden layers of each flow's network.
    """

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        shared_layers: Optional[int] = 1,
        std: str = "softplus",
        data_transform: Optional[str] = None,
        flow_length: int = 4,
        context_size: int = 50,
        hidden_sizes: Sequence[int] = (100,),
    ) -> None:
        self.hidden_sizes = checks.layer_sizes("hidden_sizes", hidden_sizes)
        self.act_type = act_type
        super().__init__(
            latent_variable_size=latent_variable_size,
            layer_sizes=layer_sizes,
            act_type=act_type,
            data_dims=data_dims,
            shared_layers=shared_layers,
            std=std,
            data_transform=data_transform,
            flow_length=flow_length,
            context_size=context_size,
        )
