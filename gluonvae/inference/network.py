"""The inference network that puts any family of posteriors on any body."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

from .. import checks
from ..backend.types import Model, Operators, Tensor
from ..flows import near_zero
from ..networks import MLP, Activation, Dense, FamilyNetwork, Flattened, Layers, OnImages, heads_of, is_body, with_label
from .base import InferenceNetwork


class FamilyInferenceNetwork(FamilyNetwork, InferenceNetwork):
    """A posterior of a family whose parameters are heads of dense layers on one body.

    A kind names its family, ``family_type``, and takes the family's options as keyword arguments.

    Parameters
    ----------
    latent_variable_size : int or sequence of int
        D; of a family with layers of latent variables the size of each.
    layer_sizes : sequence of int or HybridBlock
        Widths of the hidden layers, from the data inwards; may be empty. Or a body, one of
        :data:`gluonvae.networks.ENCODERS` or your own block, that maps ``(N, X)`` to features ``(N, F)`` or
        maps ``(N, F, H, W)`` and that all heads share. One that wants pictures is wrapped,
        :class:`gluonvae.networks.OnImages`.
    act_type : str or callable
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`; a body has its own.
    data_dims : int
        X; 0 leaves it to the model or the first call.
    shared_layers : int or None
        How many of the hidden layers the heads share; None for all. Each head has the others for itself. By
        default 1, as in the tutorial; where there is one head, or layers of latent variables, all.
    data_transform : {"log1p"}, optional
        See :class:`InferenceNetwork`.
    **family_options
        Arguments of ``family_type``.
    """

    default_shared_layers: Optional[int] = 1

    def __init__(
        self,
        latent_variable_size: Union[int, Sequence[int]],
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        shared_layers: Union[int, str, None] = "default",
        data_transform: Optional[str] = None,
        **family_options: Any,
    ) -> None:
        if not isinstance(latent_variable_size, Iterable):
            checks.positive_int("latent_variable_size", latent_variable_size)
        family = self.make_family(latent_variable_size, act_type, **family_options)
        super().__init__(family.size, data_dims, data_transform)
        if not isinstance(shared_layers, int) and shared_layers is not None:
            shared_layers = self.default_shared_layers if len(family.heads) > 1 else None
        with self.name_scope():
            features, sizes = self._make_body(layer_sizes, act_type, shared_layers)
            for name, size in family.heads.items():
                head = MLP(sizes, act_type, features, prefix=f"{name}_")
                with head.name_scope():
                    head.add(Dense(size, head.out_units))
                if name in family.small_heads:
                    near_zero(head[-1])
                setattr(self, f"{name}_head", head)
        self.set_family(family)
        family.set_feature_size(features)

    def _make_body(
        self, layer_sizes: Layers, act_type: Activation, shared_layers: Optional[int]
    ) -> tuple[int, tuple[int, ...]]:
        """Make the body; return how many features it has, and the widths of the layers of each head."""
        if is_body(layer_sizes):
            self.body = Flattened(layer_sizes)
            self.data_dims = self.data_dims or getattr(layer_sizes, "in_units", 0)
            return math.prod(self.body.fit(self.data_dims).features) if self.data_dims else 0, ()
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        if shared_layers is None:
            shared_layers = len(sizes)
        elif shared_layers != 0:
            checks.positive_int("shared_layers", shared_layers)
        self.body = MLP(sizes[:shared_layers], act_type, self.data_dims, prefix="shared_")
        return self.body.out_units, sizes[shared_layers:]

    def bind(self, model: Model) -> None:
        super().bind(model)
        if isinstance(self.body, Flattened) and isinstance(self.body.body, OnImages):
            self.body.body.pictures = self.inputs_per_value
        try:
            self.bind_body(self.inputs_per_value * self.data_dims, model.label_size)
        except ValueError as error:
            if not self.missing:
                raise
            raise ValueError(f"{error} (as many values, and as many that tell which are missing)") from error
        # without hidden layers the features are the data and the label
        self.family.set_feature_size(self.heads[0][0].weight.shape[1])
        self.family.bind(model)

    def forward(self, data: Tensor, *label: Tensor) -> tuple[Tensor, ...]:
        self.check_body(data, *label, times=self.inputs_per_value)
        return super().forward(data, *label)

    def features(self, data: Tensor, *label: Tensor) -> Tensor:
        """Compute what the heads are computed from, ``(B, F)``."""
        data = self.preprocess(data)
        return self.body(data, *label) if isinstance(self.body, Flattened) else self.body(with_label(data, *label))

    def hybrid_forward(self, F: Operators, data: Tensor, *label: Tensor) -> tuple[Tensor, ...]:
        data = self.preprocess(data)
        if isinstance(self.body, Flattened):
            features = self.body(data, *label)
            return self.family.parameters(*(head(features) for head in self.heads))
        return self.family.parameters(*heads_of(with_label(data, *label), self.body, self.heads))

    def export(self, path: str, epoch: int = 0, remove_amp_cast: bool = True) -> None:
        """Export the graph, see Gluon's ``HybridBlock.export``: what a call returns, the parameters of q(z | x).

        Warns, UserWarning, where these alone do not make q(z | x), as without its flow.
        """
        super().export(path, epoch, remove_amp_cast)
        if self.family.not_in_parameters:
            warnings.warn(
                f"the export of {type(self).__name__} has the parameters that it returns, and not "
                f"{self.family.not_in_parameters}: draw from posterior(data), or export the VAE, whose graph has all",
                stacklevel=2,
            )

    @property
    def floats_per_sample(self) -> int:
        return self.family.floats_per_sample

    @property
    def floats_per_row(self) -> int:
        return max(super().floats_per_row, self.floats_of_body)
