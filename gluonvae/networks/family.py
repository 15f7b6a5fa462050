"""What the networks have in common whose outputs are parameters of a family of distributions."""

from __future__ import annotations

import inspect
import math
from typing import Any, ClassVar, Optional

from ..backend.operators import is_symbol
from ..backend.types import Structure, Tensor
from ..distributions import Distribution, Family
from ..distributions.family import signature_with
from .body import Fitted
from .dense import Dense, set_in_units
from .mlp import MLP


class FamilyNetwork:
    """Mixin of the networks that put a family of distributions on a body.

    A kind names its family, ``family_type``. The network has a body, ``body``, and for each of the family's
    heads a block of that name, such as ``mean_head``. Arguments that its constructor does not have itself are
    those of the family.
    """

    family_type: ClassVar[type[Family]]
    """Class of the family."""
    distribution_type: Optional[type[Distribution]]
    """Class of the family's distributions, where all instances have the same."""
    family: Family
    """The family, with the parameters and blocks that it has of its own."""
    body: Any
    """Hidden layers, an MLP, or a :class:`gluonvae.networks.Fitted` body."""
    _body_sizes: tuple[int, int]
    own_latent_size = 0
    """How many values of the input, the last ones, the family takes itself: the body does not see them."""
    fixed: ClassVar[tuple[str, ...]] = ("family",)

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        family_type = getattr(cls, "family_type", None)
        cls.distribution_type = getattr(family_type, "distribution_type", None)
        cls.__signature__ = signature_with(cls, family_type)  # type: ignore[attr-defined]

    def make_family(self, size: Any, act_type: Any, **options: Any) -> Family:
        """Make the family, which has the activation of the network if it has layers of its own."""
        if "act_type" in inspect.signature(self.family_type).parameters:
            options["act_type"] = act_type
        return self.family_type(size, **options)

    def set_family(self, family: Family) -> None:
        """Set the family, and take over what it says of its distributions."""
        self.family = family
        for name in ("distribution_type", "reparametrized", "deterministic", "supports_bfloat16"):
            setattr(self, name, getattr(family, name))

    @property
    def heads(self) -> list[Any]:
        """The blocks that compute the inputs of ``family.parameters``, in their order."""
        return [getattr(self, f"{name}_head") for name in self.family.heads]

    def bind_body(self, in_units: int, label_size: int) -> None:
        """Set the input size of the body, or without hidden layers of the heads."""
        self._body_sizes = in_units, label_size
        if isinstance(self.body, Fitted):
            features = math.prod(self.body.fit(in_units, label_size).features)
            # a body without layers returns the label as well
            for head in self.heads:
                first = head[0] if isinstance(head, MLP) else head
                if isinstance(first, Dense):
                    set_in_units(first, features)
            return
        for block in [self.body] if len(self.body) else self.heads:
            set_in_units(block if isinstance(block, Dense) else block[0], in_units + label_size)

    @property
    def floats_of_body(self) -> int:
        """Length of the longest tensor that the body of a model's network computes for a row; 0 of dense layers."""
        return self.body.fit(*self._body_sizes).floats_per_row if isinstance(self.body, Fitted) else 0

    def check_body(self, x: Tensor, *label: Tensor, times: int = 1) -> None:
        """Raise ValueError, with the shapes, where a body does not fit rows ``times`` as long as ``x``, and a label."""
        if isinstance(self.body, Fitted) and not is_symbol(x):
            self.body.fit(times * x.shape[-1] - self.own_latent_size, label[0].shape[-1] if label else 0)

    @property
    def noise(self) -> Structure:
        """The noise that a draw takes."""
        return self.family.noise

    def distribution(self, *parameters: Tensor) -> Distribution:
        """Return the distribution with the parameters that the network computed."""
        return self.family.distribution(*parameters)
