"""What every likelihood answers."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np

from .. import checks
from ..backend.operators import Tensor, as_numpy, fold, is_symbol, namespace, softplus, unfold
from ..distributions import Distribution
from ..networks import MLP, Activation, Fitted, Layers, ModelBlock, is_body, last_layer, widest_layer
from ..registry import Registry
from . import support as supports

LIKELIHOODS = Registry("likelihood")
"""Likelihoods by name."""


class Generator(ModelBlock):
    """Maps a latent state to the parameters of p(x | z). Abstract: a kind of likelihood defines

    - ``hybrid_forward(F, latent_state)``: the parameters, ``(..., X)`` each;
    - ``distribution(*parameters)``: the distribution object they stand for;
    - ``title``, what messages call it, and ``support``, the data that it gives probability; or
      ``check_support(name, values)``.

    Parameters
    ----------
    data_dims : X, the number of values in a data point.
    latent_variable_size : D; 0 leaves it to the first call.
    """

    title: ClassVar[str]
    support: Optional[supports.Support] = None
    pixels: ClassVar[str] = "none"
    """What becomes of grey images for this likelihood: one of :data:`gluonvae.data.BINARIZATIONS`."""
    data_transform: ClassVar[Optional[str]] = None
    """How an inference network should look at such data: one of :data:`gluonvae.inference.DATA_TRANSFORMS`."""

    def __init__(self, data_dims: int, latent_variable_size: int = 0) -> None:
        super().__init__()
        self.data_dims = checks.positive_int("data_dims", data_dims)
        self.latent_variable_size = (
            checks.positive_int("latent_variable_size", latent_variable_size) if latent_variable_size else 0
        )

    def forward(self, latent_state: Tensor) -> Tensor:
        """The parameters of p(x | z) for latent states ``(..., D)``."""
        if not is_symbol(latent_state):
            checks.tensor("latent_state", latent_state, (..., "B", self.latent_variable_size or "D"), self.dtype)
            self.check_body(latent_state.shape[-1])
        return super().forward(latent_state)

    def hybrid_forward(self, F: Any, latent_state: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, latent_state)")

    def distribution(self, *parameters: Tensor) -> Distribution:
        raise NotImplementedError(f"{type(self).__name__} must define distribution(*parameters)")

    def check_support(self, name: str, values: np.ndarray) -> None:
        """ValueError for ``values``, ``(..., X)``, that p(x | z) cannot give; it says which likelihood can."""
        if self.support is None:
            raise NotImplementedError(f"{type(self).__name__} must define check_support(name, values), or its support")
        supports.check(name, values, self.support, self.title, LIKELIHOODS)

    def check_data(self, data: Any) -> None:
        """Raise where ``data`` is not an NDArray ``(B, X)`` of values that p(x | z) can give.

        Values are read where they lie in the memory of the CPU; on a GPU that would hold up
        every step, and :func:`gluonvae.fit` looks at the whole data set beforehand instead.
        """
        checks.tensor("data", data, ("B", self.data_dims), self.dtype)
        if data.context.device_type != "gpu":
            self.check_support("data", as_numpy(data))

    def likelihood(self, latent_state: Tensor) -> Distribution:
        """p(x | z) for latent states ``(..., D)``, as an object to score and to sample."""
        parameters = self(latent_state)
        return self.distribution(*parameters if isinstance(parameters, (list, tuple)) else (parameters,))

    def log_likelihood(self, latent_state: Tensor, data: Tensor) -> Tensor:
        """log p(x | z) in nats, ``(B,)`` for latent states ``(B, D)`` and data ``(B, X)``, or
        ``(k, B)`` for ``(k, B, D)``. The tutorial calls it ``train``."""
        if not is_symbol(data):
            self.check_data(data)
            checks.tensor("latent_state", latent_state, (..., len(data), "D"), self.dtype)
        return self.likelihood(latent_state).log_prob(data)

    @property
    def width(self) -> int:
        """The most numbers of anything that p(x | z) of one latent state is made of: what it takes of memory."""
        return max(self.data_dims, widest_layer(self))

    @property
    def noise_size(self) -> int:
        """How many numbers of noise a draw of one data point takes."""
        return self.data_dims

    def generate_sample(self, latent_state: Tensor, noise: Optional[Tensor] = None) -> Tensor:
        """A draw from p(x | z), ``(..., X)``; ``noise``, ``(..., noise_size)`` and of the kind that the
        distribution's ``sample`` takes, is drawn where left out."""
        if noise is not None and not is_symbol(noise):
            checks.tensor("noise", noise, (*latent_state.shape[:-1], self.noise_size), self.dtype)
        return self.likelihood(latent_state).sample(noise)

    def generate_mean(self, latent_state: Tensor) -> Tensor:
        """The mean of p(x | z), ``(..., X)``, on the scale of the data: for binary pixels a grey image."""
        return self.likelihood(latent_state).mean

    def generate_mode(self, latent_state: Tensor) -> Tensor:
        """The most probable x given z, ``(..., X)``."""
        return self.likelihood(latent_state).mode


class DenseGenerator(Generator):
    """A likelihood whose parameters are each one linear layer on top of one body of them. A kind of
    likelihood lists its parameters in ``heads``, and its ``distribution`` makes of these layers'
    outputs, any real numbers, what the parameters must be.

    Parameters
    ----------
    data_dims : X.
    layer_sizes : widths of the hidden layers, from the latent state outwards; may be empty. Or a HybridBlock, one
        of :data:`gluonvae.networks.DECODERS` or your own, that maps ``(N, D)`` to features ``(N, F)``, of which
        the layers are dense, or to maps ``(N, F, H, W)`` of the image's height and width, of which they are
        convolutions of single pixels, see :class:`gluonvae.networks.ToImages`. Samples are folded for it: N is k B.
    act_type : activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`; a HybridBlock has its own.
    latent_variable_size : D; 0 leaves it to the first call.

    Raises ValueError, with the shapes, for a block that does not fit, and TypeError for a Block that is no HybridBlock.
    """

    heads: tuple[str, ...]

    def __init__(
        self, data_dims: int, layer_sizes: Layers, act_type: Activation = "tanh", latent_variable_size: int = 0
    ) -> None:
        super().__init__(data_dims, latent_variable_size)
        with self.name_scope():
            if is_body(layer_sizes):
                self.body = Fitted(layer_sizes)
                features = self._features()
            else:
                sizes = checks.layer_sizes("layer_sizes", layer_sizes)
                self.body = MLP(sizes, act_type, self.latent_variable_size, prefix="body_")
                features = (self.body.out_units,)
            for name in self.heads:
                head = last_layer(self.head_size(name), features, layer_sizes, self.data_dims, prefix=f"{name}_")
                setattr(self, name, head)

    def _features(self) -> tuple[int, ...]:
        """What the body returns for a latent state, ``(F,)`` or ``(F, H, W)``; of any size where D is not known."""
        try:
            return self.body.fit(self.latent_variable_size or 1).features
        except ValueError as error:
            if self.latent_variable_size:
                raise
            raise ValueError(
                f"{type(self).__name__} cannot tell what the body returns before it knows the number of latent "
                f"variables: pass latent_variable_size=... ({error})"
            ) from error

    def head_size(self, name: str) -> int:
        """How many numbers a data point has of a parameter."""
        return self.data_dims

    @property
    def width(self) -> int:
        of_body = self.body.fit(self.latent_variable_size or 1).width if isinstance(self.body, Fitted) else 0
        return max(super().width, of_body, *map(self.head_size, self.heads))

    def check_body(self, in_units: int) -> None:
        if isinstance(self.body, Fitted):
            self.body.fit(in_units)

    def hybrid_forward(self, F: Any, latent_state: Tensor) -> Any:
        if isinstance(self.body, Fitted):
            features = self.body(fold(latent_state))
            parameters = tuple(unfold(getattr(self, name)(features), latent_state) for name in self.heads)
        else:
            # dense layers take any number of axes
            features = self.body(latent_state)
            parameters = tuple(getattr(self, name)(features) for name in self.heads)
        return parameters if len(parameters) > 1 else parameters[0]


def positive(x: Tensor, floor: float) -> Tensor:
    """A positive parameter made of any real number: its softplus, with a floor."""
    return softplus(x) + floor


def repeated(parameter: Tensor, like: Tensor) -> Tensor:
    """A learned parameter, ``(1,)`` or ``(X,)``, for each data point: ``(..., X)``, the shape of ``like``."""
    F = namespace(like)
    return F.broadcast_add(F.zeros_like(like), parameter)
