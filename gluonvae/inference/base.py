"""What every posterior answers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Callable, ClassVar, Optional

from .. import checks
from ..backend.operators import Tensor, is_symbol, namespace, softplus
from ..distributions import Distribution
from ..networks import MLP, Activation, Dense, Flattened, Layers, ModelBlock, is_body
from ..registry import Registry

POSTERIORS = Registry("latent_type")
"""Posteriors by name."""

MIN_STD = 1e-4
"""Floor of a posterior's standard deviation: softplus underflows to 0, and 1 / MIN_STD must be
a float16."""


def _log1p(data: Tensor) -> Tensor:
    return namespace(data).log1p(data)


def _exp_std(x: Tensor) -> Tensor:
    # clipped: beyond, the square of exp(x) leaves what a float32 can hold
    F = namespace(x)
    return F.exp(F.clip(x, math.log(MIN_STD), -math.log(MIN_STD)))


DATA_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {"log1p": _log1p}
"""What may be done to data before an inference network sees it, by name."""

STD_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "softplus": lambda x: softplus(x) + MIN_STD,
    "exp": _exp_std,
}
"""How a standard deviation is made of any real number, by name; none is below :data:`MIN_STD`."""


BOUND = 10.0
"""Of the elements of a posterior's matrix beside its standard deviations: its inverse must be a float32's."""


def bounded(x: Tensor) -> Tensor:
    """``x`` near 0, and never beyond ±:data:`BOUND`."""
    return BOUND * namespace(x).Activation(x / BOUND, act_type="tanh")


class InferenceNetwork(ModelBlock):
    """Maps data to the parameters of q(z | x). Abstract: a kind of posterior defines

    - ``hybrid_forward(F, data)``: the parameters, tensors ``(B, ...)``;
    - ``distribution(*parameters)``: the distribution object they stand for.

    Parameters
    ----------
    latent_variable_size : D, the number of latent variables.
    data_dims : X, the number of values in a data point; 0 leaves it to the first call.
    data_transform : one of :data:`DATA_TRANSFORMS`, through which the network sees the data, or none.
    """

    distribution_type: Optional[type[Distribution]] = None
    """Of what ``distribution`` returns, where it is always the same."""
    reparametrised: ClassVar[bool] = True
    """Whether a latent state is a differentiable function of the parameters."""
    deterministic: ClassVar[bool] = False
    """Whether q(z | x) is a point mass: nothing is drawn."""
    weight_names: ClassVar[tuple[str, ...]] = ()
    """Attributes that are numbers which may change from step to step, such as a temperature."""

    def __init__(self, latent_variable_size: int, data_dims: int = 0, data_transform: Optional[str] = None) -> None:
        super().__init__()
        if data_transform is not None:
            checks.known_name("data_transform", data_transform, DATA_TRANSFORMS)
        self.data_transform = data_transform
        self.latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.data_dims = checks.positive_int("data_dims", data_dims) if data_dims else 0
        self.label_size = 0
        """Y, how many numbers at the end of the data are a label; the model tells."""

    def forward(self, data: Tensor) -> tuple[Tensor, ...]:
        """The parameters of q(z | x) for data ``(B, X)``: a tuple in both modes."""
        if not is_symbol(data):
            checks.tensor("data", data, ("B", self.data_dims or "X"), self.dtype)
            self.check_body(data.shape[-1])
        parameters = super().forward(self.as_seen(data, self.label_size))
        return tuple(parameters) if isinstance(parameters, (list, tuple)) else (parameters,)

    def as_seen(self, data: Tensor, label_size: int = 0) -> Tensor:
        """``data`` as a network is to see it; ``label_size`` numbers at the end, which are a label, as they are."""
        if self.data_transform is None:
            return data
        transform, F = DATA_TRANSFORMS[self.data_transform], namespace(data)
        if not label_size:
            return transform(data)
        label = F.slice_axis(data, axis=-1, begin=-label_size, end=None)
        return F.concat(transform(F.slice_axis(data, axis=-1, begin=0, end=-label_size)), label, dim=-1)

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, data)")

    def distribution(self, *parameters: Tensor) -> Distribution:
        raise NotImplementedError(f"{type(self).__name__} must define distribution(*parameters)")

    def posterior(self, data: Tensor) -> Distribution:
        """q(z | x) for data ``(B, X)``, as an object to score and to sample."""
        return self.distribution(*self(data))

    def join(self, prior: Any) -> None:
        """Become part of a model with this prior: a posterior that is made of the prior takes what it needs."""

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers a draw from q(z | x) takes."""
        return self.latent_variable_size

    @property
    def width(self) -> int:
        """The most numbers of anything that drawing or scoring one latent state takes: what it takes of memory.
        What there is of each data point, however many latent states it has, does not count."""
        return self.noise_size

    def noise_shape(self, batch: int, samples: int = 1) -> tuple[int, ...]:
        """Shape of the standard normal noise that ``samples`` latent states a data point need:
        ``(B, noise_size)`` for one, ``(k, B, noise_size)`` for more."""
        shape = (batch, self.noise_size)
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

    def _build_cache(self, *args: Any) -> None:
        with warnings.catch_warnings():
            # called on its own, it computes the parameters of q and leaves flows or upper layers to the density
            warnings.filterwarnings("ignore", "Parameter .* is not used by any computation")
            super()._build_cache(*args)


class DenseInferenceNetwork(InferenceNetwork):
    """A posterior whose parameters are each a head of dense layers on top of those that all share.

    Parameters
    ----------
    latent_variable_size : D.
    layer_sizes : widths of the hidden layers, from the data inwards; may be empty. Or a HybridBlock, one of
        :data:`gluonvae.networks.ENCODERS` or your own, that maps ``(N, X)`` to features ``(N, F)`` or maps
        ``(N, F, H, W)``; one that wants pictures is wrapped, :class:`gluonvae.networks.OnImages`. All heads share it.
    act_type : activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`; a HybridBlock has its own.
    data_dims : X; 0 leaves it to the first call.
    heads : the parameters' names, and how many numbers a data point has of each.
    shared_layers : how many of the hidden layers the heads share; None for all. Of the others each
        head has its own. Of no use beside a HybridBlock.
    data_transform : see :class:`InferenceNetwork`.
    """

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation,
        data_dims: int,
        heads: Mapping[str, int],
        shared_layers: Optional[int],
        data_transform: Optional[str],
    ) -> None:
        super().__init__(latent_variable_size, data_dims, data_transform)
        sizes: tuple[int, ...] = ()
        with self.name_scope():
            if is_body(layer_sizes):
                self.shared = Flattened(layer_sizes)
                self.data_dims = self.data_dims or getattr(layer_sizes, "in_units", 0)
                features = math.prod(self.shared.fit(self.data_dims).features) if self.data_dims else 0
            else:
                sizes = checks.layer_sizes("layer_sizes", layer_sizes)
                if shared_layers is None:
                    shared_layers = len(sizes)
                elif shared_layers != 0:
                    checks.positive_int("shared_layers", shared_layers)
                self.shared = MLP(sizes[:shared_layers], act_type, self.data_dims, prefix="shared_")
                features, sizes = self.shared.out_units, sizes[shared_layers:]
            for name, size in heads.items():
                setattr(self, f"{name}_head", self._head(name, sizes, act_type, features, size))

    def check_body(self, in_units: int) -> None:
        if isinstance(self.shared, Flattened):
            self.shared.fit(in_units)

    def _head(self, name: str, sizes: Sequence[int], act_type: Activation, in_units: int, size: int) -> MLP:
        head = MLP(sizes, act_type, in_units, prefix=f"{name}_")
        with head.name_scope():
            head.add(Dense(size, head.out_units))
        return head
