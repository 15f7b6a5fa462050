"""Base class of the generators."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Optional

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.memory import read_values
from ..backend.operators import is_symbol
from ..backend.regions.alike import LastAccepted
from ..backend.types import Model, Operators, Structure, Tensor
from ..distributions import Distribution, Observed
from ..distributions.observed import is_observed
from ..networks import ModelBlock, Standardization, max_units
from ..noise import NoiseSpec
from ..registry import Registry
from . import support as supports

LIKELIHOODS = Registry("likelihood")
"""Likelihoods by name."""


class Generator(ModelBlock):
    """Map a latent state to the parameters of the likelihood p(x | z).

    Abstract: a kind of likelihood defines

    - ``hybrid_forward(F, latent_state)``, the parameters, ``(..., X)`` each; as a part of a
      :class:`gluonvae.ConditionalVAE`, ``hybrid_forward(F, latent_state, label)``;
    - ``distribution(*parameters)``, the distribution with these parameters, and ``distribution_type``, its
      class, if it is always the same;
    - ``title``, what messages call it, and ``support``, the data that have probability; or
      ``check_support(name, values)``.

    Most are a :class:`FamilyGenerator`, which defines the first two.

    Parameters
    ----------
    data_dims : int
        X, the number of values in a data point.
    latent_variable_size : int
        D, the number of latent variables; 0 leaves it to the model or the first call.
    """

    distribution_type: Optional[type[Distribution]] = None
    """Class that ``distribution`` returns, if it is always the same."""
    title: ClassVar[str]
    support: Optional[supports.Support] = None
    pixels: ClassVar[str] = "none"
    """How grey images are prepared for this likelihood: one of :data:`gluonvae.data.BINARIZATIONS`."""
    data_transform: ClassVar[Optional[str]] = None
    """How an inference network should see such data: one of :data:`gluonvae.inference.DATA_TRANSFORMS`."""
    standardization: Optional[Standardization] = None
    """The mean and the standard deviation of the data, where networks compute with standardised data."""
    missing = False
    """Whether values may be missing, NaN: then the likelihood is that of the others."""

    fixed: ClassVar[tuple[str, ...]] = ("data_dims", "latent_variable_size")

    def __init__(self, data_dims: int, latent_variable_size: int = 0) -> None:
        super().__init__()
        self._not_in_graph = ""
        self.data_dims = checks.positive_int("data_dims", data_dims)
        self.latent_variable_size = (
            checks.positive_int("latent_variable_size", latent_variable_size) if latent_variable_size else 0
        )

    def forward(self, latent_state: Tensor, *label: Tensor) -> Structure:
        """Compute the parameters of p(x | z).

        Parameters
        ----------
        latent_state : Tensor
            ``(..., D)``.
        label : Tensor, optional
            ``(B, Y)``, in a conditional model.

        Returns
        -------
        Tensor or tuple of Tensor
            ``(..., X)`` each.
        """
        if not is_symbol(latent_state):
            checks.tensor("latent_state", latent_state, (..., "B", self.latent_variable_size or "D"), self.dtype)
        return super().forward(latent_state, *label)

    def hybrid_forward(self, F: Operators, latent_state: Tensor, *label: Tensor) -> Structure:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, latent_state)")

    def distribution(self, *parameters: Tensor) -> Distribution:
        """Return p(x | z) with the parameters that the network computed."""
        raise NotImplementedError(f"{type(self).__name__} must define distribution(*parameters)")

    def bind(self, model: Model) -> None:
        """Become part of a model: agree with its other parts on sizes.

        Raises
        ------
        ValueError
            If the latent states are of another size than those that this maps.
        """
        sizes = {"generator": self.latent_variable_size, "inference network": model.prior.generator_latent_size}
        self.latent_variable_size = checks.same_size("latent_variable_size", sizes)
        self._not_in_graph = model.prior.not_in_generator

    @property
    def needs_adapting(self) -> bool:
        """Whether there are constants to be taken from the training data, and they are not set yet."""
        return False

    def adapt(self, blocks: Iterable[np.ndarray]) -> None:
        """Set the constants that are taken from the training data, see :meth:`gluonvae.VAE.adapt`.

        Parameters
        ----------
        blocks : iterable of numpy.ndarray
            Rows of the data, ``(n, X)`` each, float64. It can be iterated over several times.
        """

    def export(self, path: str, epoch: int = 0, remove_amp_cast: bool = True) -> None:
        """Export the graph, see Gluon's ``HybridBlock.export``: what a call returns, the parameters of p(x | z).

        Warns, UserWarning, where a model does something to latent states before the generator sees them.
        """
        super().export(path, epoch, remove_amp_cast)
        if self._not_in_graph:
            warnings.warn(
                f"the export of {type(self).__name__} maps what a call of it does, and does not have "
                f"{self._not_in_graph}: give it prior.generator_latent(z), or export the VAE, whose graph has all",
                stacklevel=2,
            )

    def observed(self, data: Tensor) -> Tensor:
        """Return 1 for each value of ``data``, ``(B, X)``, that is observed, and 0 for each that is missing."""
        return is_observed(data)

    def check_support(self, name: str, values: np.ndarray) -> None:
        """Raise ValueError for ``values``, ``(..., X)``, that have no probability; it says which likelihood fits.

        NaN stands for a missing value, where there may be one.
        """
        if self.support is None:
            raise NotImplementedError(f"{type(self).__name__} must define check_support(name, values), or its support")
        supports.check(name, values, self.support, self.title, LIKELIHOODS, self.missing)

    def check_data(self, data: Tensor) -> None:
        """Raise where ``data`` is not an NDArray ``(B, X)`` of values that have probability.

        Values are read where they lie in the memory of the CPU; on a GPU that would hold up
        every step, and :func:`gluonvae.fit` looks at the whole data set beforehand instead.
        """
        key = self.data_dims, self.dtype
        values = self._accepted.values_if_like(data, key)
        if values is None:
            checks.tensor("data", data, ("B", self.data_dims), self.dtype)
            self._accepted.remember(data, key)
            if data.context.device_type == "gpu":
                return
            values = read_values(data)
        self.check_support("data", values)

    @cached_property
    def _accepted(self) -> LastAccepted:
        return LastAccepted()

    def likelihood(self, latent_state: Tensor, *label: Tensor) -> Distribution:
        """Return p(x | z) for latent states ``(..., D)``, as an object to score and to sample.

        Where values may be missing, it scores those that are observed.
        """
        parameters = self(latent_state, *label)
        p = self.distribution(*parameters if isinstance(parameters, (list, tuple)) else (parameters,))
        return Observed(p, self.observed) if self.missing else p

    def log_likelihood(self, latent_state: Tensor, data: Tensor, *label: Tensor) -> Tensor:
        """Compute log p(x | z) in nats; the tutorial calls it ``train``.

        Parameters
        ----------
        latent_state : Tensor
            ``(B, D)`` or ``(k, B, D)``.
        data : Tensor
            ``(B, X)``.
        label : Tensor, optional
            ``(B, Y)``, in a conditional model.

        Returns
        -------
        Tensor
            ``(B,)`` or ``(k, B)``.
        """
        if not is_symbol(data):
            self.check_data(data)
            checks.tensor("latent_state", latent_state, (..., len(data), "D"), self.dtype)
        return self.likelihood(latent_state, *label).log_prob(data)

    @property
    def noise(self) -> Structure:
        """The noise that a draw from p(x | z) takes."""
        kind = self.distribution_type
        return NoiseSpec("uniform", self.data_dims) if kind is None else kind.noise(self.data_dims)

    @property
    def floats_per_sample(self) -> int:
        """Length of the longest tensor that p(x | z) of one latent state takes."""
        return max(self.data_dims, max_units(self))

    def generate_sample(self, latent_state: Tensor, noise: Optional[Structure] = None, *label: Tensor) -> Tensor:
        """Draw from p(x | z), ``(..., X)``; ``noise``, see :attr:`noise`, is drawn where left out."""
        if noise is not None and not is_symbol(latent_state):
            _noise.check(noise, self.noise, latent_state.shape[:-1], self.dtype)
        return self.likelihood(latent_state, *label).sample(noise)

    def generate_mean(self, latent_state: Tensor, *label: Tensor) -> Tensor:
        """Return the expected data under p(x | z), ``(..., X)``: of binary pixels their probabilities."""
        return self.likelihood(latent_state, *label).mean

    def generate_mode(self, latent_state: Tensor, *label: Tensor) -> Tensor:
        """Return the most probable data under p(x | z), ``(..., X)``."""
        return self.likelihood(latent_state, *label).mode
