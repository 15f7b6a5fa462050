"""The generator that puts any family of likelihoods on any body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import checks
from ..backend.operators import fold, namespace, unfold
from ..backend.types import Model, Operators, Structure, Tensor
from ..networks import MLP, Activation, FamilyNetwork, Fitted, Layers, heads_of, is_body, last_layer, with_label
from .base import Generator


class FamilyGenerator(FamilyNetwork, Generator):
    """A likelihood of a family whose parameters are linear heads on one body.

    A kind names its family, ``family_type``, and takes the family's options as keyword arguments.

    Parameters
    ----------
    data_dims : int
        X.
    layer_sizes : sequence of int or HybridBlock
        Widths of the hidden layers, from the latent state outwards; may be empty. Or a body, one of
        :data:`gluonvae.networks.DECODERS` or your own block, that maps ``(N, D)`` to features ``(N, F)``, with
        dense heads, or to maps ``(N, F, H, W)`` of the image's height and width, with heads that are
        convolutions of single pixels, see :class:`gluonvae.networks.ToImages`. Samples are folded for it: N is k B.
    act_type : str or callable
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`; a body has its own.
    latent_variable_size : int
        D; 0 leaves it to the model or the first call.
    missing : bool
        Whether values may be missing, NaN. The likelihood is then that of the observed values, and the inference
        network sees 0 where a value is missing, and which are.
    **family_options
        Arguments of ``family_type``.

    Raises
    ------
    ValueError
        If a body does not fit, with the shapes; for missing values of a likelihood that is not a product over values.
    TypeError
        If a body is a Block that is no HybridBlock.
    """

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        latent_variable_size: int = 0,
        missing: bool = False,
        **family_options: Any,
    ) -> None:
        family = self.make_family(checks.positive_int("data_dims", data_dims), act_type, **family_options)
        super().__init__(data_dims, latent_variable_size)
        self.own_latent_size = family.own_latent_size
        self.missing = checks.boolean("missing", missing)
        if missing and not family.takes_missing:
            raise ValueError(
                f"{type(self).__name__}, with these options, takes no missing values: its density is no product over "
                "values, of which each would have its component_log_prob"
            )
        with self.name_scope():
            if is_body(layer_sizes):
                self.body = Fitted(layer_sizes)
                features = self._features()
            else:
                sizes = checks.layer_sizes("layer_sizes", layer_sizes)
                self.body = MLP(sizes, act_type, self._body_units, prefix="body_")
                features = (self.body.out_units,)
            for name, size in family.heads.items():
                head = last_layer(size, features, layer_sizes, self.data_dims, prefix=f"{name}_")
                setattr(self, f"{name}_head", head)
        self.set_family(family)
        # of a family whose support depends on its options
        self.support = getattr(family, "support", self.support)
        self.standardization = getattr(family, "standardization", None)

    @property
    def _body_units(self) -> int:
        """How many latent variables the body sees; 0 where D is not known."""
        size, own = self.latent_variable_size, self.own_latent_size
        if 0 < size <= own:
            raise ValueError(
                f"latent_variable_size must be above {own}, got {size}: the likelihood takes the last for itself"
            )
        return size - own if size else 0

    def _split(self, latent_state: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what the body sees of a latent state, and what the family takes, as an argument by name."""
        if not self.own_latent_size:
            return latent_state, {}
        cut = namespace(latent_state).slice_axis
        seen = cut(latent_state, axis=-1, begin=0, end=-self.own_latent_size)
        return seen, {"latent": cut(latent_state, axis=-1, begin=-self.own_latent_size, end=None)}

    def _features(self) -> tuple[int, ...]:
        """What the body returns for a latent state, ``(F,)`` or ``(F, H, W)``; of any size where D is not known."""
        try:
            return self.body.fit(self._body_units or 1).features
        except ValueError as error:
            if self.latent_variable_size:
                raise
            raise ValueError(
                f"{type(self).__name__} cannot tell what the body returns before it knows the number of latent "
                f"variables: pass latent_variable_size=... ({error})"
            ) from error

    def bind(self, model: Model) -> None:
        super().bind(model)
        self.bind_body(self._body_units, model.label_size)
        self.family.bind(model)

    @property
    def needs_adapting(self) -> bool:
        return self.family.needs_adapting

    def adapt(self, blocks: Iterable[np.ndarray]) -> None:
        self.family.adapt(blocks)

    def forward(self, latent_state: Tensor, *label: Tensor) -> Structure:
        self.check_body(latent_state, *label)
        return super().forward(latent_state, *label)

    def hybrid_forward(self, F: Operators, latent_state: Tensor, *label: Tensor) -> Structure:
        seen, own = self._split(latent_state)
        x = with_label(seen, *label)
        if isinstance(self.body, Fitted):
            features = self.body(fold(x))
            raw = [unfold(head(features), latent_state) for head in self.heads]
        else:
            # dense layers take any number of axes
            raw = heads_of(x, self.body, self.heads)
        parameters = self.family.parameters(*raw, **own)
        return parameters if len(parameters) > 1 else parameters[0]

    @property
    def floats_per_sample(self) -> int:
        return max(super().floats_per_sample, self.floats_of_body, *self.family.heads.values())
