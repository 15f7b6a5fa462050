"""Base class of the inference networks."""

from __future__ import annotations

import warnings
from typing import Callable, ClassVar, Optional

from .. import checks
from .. import noise as _noise
from ..backend.operators import is_symbol, namespace
from ..backend.types import Model, Operators, Structure, Tensor
from ..distributions import Distribution
from ..distributions.observed import zero_where_missing
from ..networks import ModelBlock, Standardization, max_units
from ..noise import NoiseSpec, total_size
from ..registry import Registry

POSTERIORS = Registry("latent_type")
"""Posteriors by name."""

DATA_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {"log1p": lambda data: namespace(data).log1p(data)}
"""What may be done to data before a network sees them, by name."""


class InferenceNetwork(ModelBlock):
    """Map data to the parameters of the approximate posterior q(z | x).

    Abstract: a kind of posterior defines

    - ``hybrid_forward(F, data)``, the parameters, tensors ``(B, ...)``; as a part of a
      :class:`gluonvae.ConditionalVAE`, ``hybrid_forward(F, data, label)``;
    - ``distribution(*parameters)``, the distribution with these parameters;
    - ``distribution_type``, its class, where that is always the same.

    Most are a :class:`FamilyInferenceNetwork`, which defines all of this.

    Parameters
    ----------
    latent_variable_size : int
        D, the number of latent variables.
    data_dims : int
        X, the number of values in a data point; 0 leaves it to the model or the first call.
    data_transform : {"log1p"}, optional
        What is done to data before the network sees them, see :meth:`preprocess`. Left out, the one that the model's
        likelihood asks for: log(1 + x) of counts, and standardised values where it standardises.
    """

    distribution_type: Optional[type[Distribution]] = None
    """Class that ``distribution`` returns, if it is always the same."""
    reparametrized = True
    """Whether a latent state is a differentiable function of the parameters."""
    deterministic = False
    """Whether q(z | x) is a point mass, so that nothing is drawn."""
    missing: Optional[bool] = None
    """Whether values may be missing, NaN: what the model's generator says. None outside a model."""

    _observed: Callable[[Tensor], Tensor]

    _standardization: Optional[Standardization] = None

    fixed: ClassVar[tuple[str, ...]] = ("data_dims", "latent_variable_size")

    def __init__(self, latent_variable_size: int, data_dims: int = 0, data_transform: Optional[str] = None) -> None:
        super().__init__()
        if data_transform is not None:
            checks.known_name("data_transform", data_transform, DATA_TRANSFORMS)
        self.data_transform = data_transform
        self.latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.data_dims = checks.positive_int("data_dims", data_dims) if data_dims else 0

    def forward(self, data: Tensor, *label: Tensor) -> tuple[Tensor, ...]:
        """Compute the parameters of q(z | x).

        Parameters
        ----------
        data : Tensor
            ``(B, X)``.
        label : Tensor, optional
            ``(B, Y)``, in a conditional model.

        Returns
        -------
        tuple of Tensor
        """
        if not is_symbol(data):
            checks.tensor("data", data, ("B", self.data_dims or "X"), self.dtype)
        parameters = super().forward(data, *label)
        return tuple(parameters) if isinstance(parameters, (list, tuple)) else (parameters,)

    def hybrid_forward(self, F: Operators, data: Tensor, *label: Tensor) -> Structure:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, data)")

    def distribution(self, *parameters: Tensor) -> Distribution:
        """Return q(z | x) with the parameters that the network computed."""
        raise NotImplementedError(f"{type(self).__name__} must define distribution(*parameters)")

    def posterior(self, data: Tensor, *label: Tensor) -> Distribution:
        """Return q(z | x) for data ``(B, X)``, as an object to score and to sample."""
        return self.distribution(*self(data, *label))

    def preprocess(self, data: Tensor) -> Tensor:
        """Transform data as a network should see them: by ``data_transform``, or as the likelihood standardises.

        Where values may be missing, the result is ``(B, 2 X)``: the data, with 0 for a missing value, and behind them
        1 for each value that is observed and 0 for each that is missing.
        """
        if not self.missing:
            return self._transformed(data)
        observed = self._observed(data)
        # no NaN is transformed, as its gradient would be NaN; and 0 may be transformed to another number
        seen = zero_where_missing(self._transformed(zero_where_missing(data, observed)), observed)
        return namespace(data).concat(seen, observed, dim=-1)

    def _transformed(self, data: Tensor) -> Tensor:
        if self.data_transform is not None:
            return DATA_TRANSFORMS[self.data_transform](data)
        return data if self._standardization is None else self._standardization.apply(data)

    @property
    def inputs_per_value(self) -> int:
        """How many numbers :meth:`preprocess` makes of a value: 2 where it may be missing, else 1."""
        return 2 if self.missing else 1

    def bind(self, model: Model) -> None:
        """Become part of a model: agree with its other parts on sizes, on what is done to the data, and on what of them
        may be missing.

        Raises
        ------
        ValueError
            If a part of the model does not fit.
        """
        if self.missing not in (None, model.generator.missing):
            raise ValueError(
                f"missing is {self.missing} in the model that this {type(self).__name__} is a part of, and "
                f"{model.generator.missing} in this one: make a new {type(self).__name__}"
            )
        self.missing = model.generator.missing
        # a method, not the block itself
        self._observed = model.generator.observed
        sizes = {"generator": model.generator.data_dims, "inference network": self.data_dims}
        self.data_dims = checks.same_size("data_dims", sizes)
        self.data_transform = self.data_transform or model.generator.data_transform
        self._standardize_by(model.generator.standardization)

    def _standardize_by(self, standardization: Optional[Standardization]) -> None:
        if self._standardization not in (None, standardization):
            raise ValueError(
                f"{type(self).__name__} standardises data by the constants of another model already: make a new one"
            )
        if standardization is not None:
            self._standardization = standardization
            standardization.lend_to(self)

    @property
    def noise(self) -> Structure:
        """The noise that a draw from q(z | x) takes."""
        kind = self.distribution_type
        return NoiseSpec("normal", self.latent_variable_size) if kind is None else kind.noise(self.latent_variable_size)

    @property
    def floats_per_sample(self) -> int:
        """Length of the longest tensor that drawing or scoring one latent state takes.

        What is computed once for a data point, however many latent states it has, does not count.
        """
        return total_size(self.noise)

    @property
    def floats_per_row(self) -> int:
        """Length of the longest tensor that one data point takes, encoded and with one latent state."""
        return max(self.floats_per_sample, self.inputs_per_value * self.data_dims, max_units(self))

    def sample_latent_state(self, *parameters: Tensor, noise: Optional[Structure] = None) -> Tensor:
        """Draw a latent state, differentiable in the parameters that the network returned.

        Parameters
        ----------
        *parameters : Tensor
            What the network returned.
        noise : Tensor, optional
            ``(B, size)`` or ``(k, B, size)``, see :attr:`noise`; drawn where left out.

        Returns
        -------
        Tensor
            ``(B, D)``, or ``(k, B, D)`` for noise of that shape.
        """
        if not is_symbol(parameters[0]):
            for parameter in parameters:
                checks.tensor("parameters", parameter, (..., "B", "D"), self.dtype)
            if noise is not None:
                _noise.check(noise, self.noise, (..., len(parameters[0])), self.dtype)
        return self.distribution(*parameters).rsample(noise)

    def _build_cache(self, *args: object) -> None:
        with warnings.catch_warnings():
            # called on its own, it computes the parameters of q and leaves flows or upper layers to the density
            warnings.filterwarnings("ignore", "Parameter .* is not used by any computation")
            super()._build_cache(*args)
