"""Inference networks: q(z | x), the approximate posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from . import checks
from .distributions import Distribution, Normal
from .networks import MLP, Activation, Dense, ModelBlock
from .ops import Tensor, is_symbol, softplus

MIN_STD = 1e-4
"""Floor of a posterior's standard deviation: softplus underflows to 0, and 1 / MIN_STD must be
a float16."""


class InferenceNetwork(ModelBlock):
    """Maps data to the parameters of q(z | x). Abstract: a kind of posterior defines

    - ``hybrid_forward(F, data)``: the parameters, tensors ``(B, ...)``;
    - ``distribution(*parameters)``: the distribution object they stand for.

    Parameters
    ----------
    latent_variable_size : D, the number of latent variables.
    data_dims : X, the number of values in a data point; 0 leaves it to the first call.
    """

    def __init__(self, latent_variable_size: int, data_dims: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.data_dims = checks.positive_int("data_dims", data_dims) if data_dims else 0

    def forward(self, data: Tensor) -> tuple[Tensor, ...]:
        """The parameters of q(z | x) for data ``(B, X)``: a tuple in both modes."""
        if not is_symbol(data):
            checks.tensor("data", data, ("B", self.data_dims or "X"), self.dtype)
        parameters = super().forward(data)
        return tuple(parameters) if isinstance(parameters, (list, tuple)) else (parameters,)

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, data)")

    def distribution(self, *parameters: Tensor) -> Distribution:
        raise NotImplementedError(f"{type(self).__name__} must define distribution(*parameters)")

    def posterior(self, data: Tensor) -> Distribution:
        """q(z | x) for data ``(B, X)``, as an object to score and to sample."""
        return self.distribution(*self(data))

    def noise_shape(self, batch: int, samples: int = 1) -> tuple[int, ...]:
        """Shape of the standard normal noise that ``samples`` latent states a data point need:
        ``(B, D)`` for one, ``(k, B, D)`` for more."""
        shape = (batch, self.latent_variable_size)
        return shape if samples == 1 else (samples, *shape)

    def sample_latent_state(self, *parameters: Tensor, noise: Optional[Tensor] = None) -> Tensor:
        """A latent state ``(B, D)``, or ``(k, B, D)`` for noise of that shape, differentiable in
        the parameters that the network returned."""
        if not is_symbol(parameters[0]):
            for parameter in parameters:
                checks.tensor("parameters", parameter, (..., "B", "D"), self.dtype)
            if noise is not None:
                checks.tensor("noise", noise, (..., *self.noise_shape(len(parameters[0]))), self.dtype)
        return self.distribution(*parameters).rsample(noise)


class GaussianInferenceNetwork(InferenceNetwork):
    """A diagonal Gaussian posterior, its parameters ``(mean, std)``, each ``(B, D)``.

    The first hidden layer is shared by both heads; the others each head has for itself. The
    standard deviation is a softplus with a floor of :data:`MIN_STD`.

    Parameters
    ----------
    latent_variable_size : D.
    layer_sizes : widths of the hidden layers, from the data inwards; may be empty.
    act_type : activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    data_dims : X; 0 leaves it to the first call.
    """

    def __init__(
        self, latent_variable_size: int, layer_sizes: Sequence[int], act_type: Activation = "tanh", data_dims: int = 0
    ) -> None:
        super().__init__(latent_variable_size, data_dims)
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        with self.name_scope():
            self.shared = MLP(sizes[:1], act_type, self.data_dims, prefix="shared_")
            self.mean_head = self._head(sizes[1:], act_type, prefix="mean_")
            self.std_head = self._head(sizes[1:], act_type, prefix="std_")

    def _head(self, sizes: Sequence[int], act_type: Activation, prefix: str) -> MLP:
        head = MLP(sizes, act_type, self.shared.out_units, prefix)
        with head.name_scope():
            head.add(Dense(self.latent_variable_size, head.out_units))
        return head

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, Tensor]:
        features = self.shared(data)
        return self.mean_head(features), softplus(self.std_head(features)) + MIN_STD

    def sample_latent_state(  # type: ignore[override]
        self, mean: Tensor, std: Tensor, noise: Optional[Tensor] = None
    ) -> Tensor:
        """``mean + std * noise``, ``(B, D)``, or ``(k, B, D)`` for noise of that shape."""
        return super().sample_latent_state(mean, std, noise=noise)

    def distribution(self, mean: Tensor, std: Tensor) -> Normal:
        return Normal(mean, std)
