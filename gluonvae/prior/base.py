"""Base class of the priors."""

from __future__ import annotations

from typing import ClassVar, Optional, Union

from .. import checks
from ..backend.types import Model, Structure, Tensor
from ..distributions import Distribution
from ..inference import POSTERIORS
from ..networks import ModelBlock
from ..noise import NoiseSpec, total_size
from ..registry import Registry
from ..weights import value_of

PRIORS = Registry("prior")
"""Priors by name."""


class Prior(ModelBlock):
    """The prior p(z), with parameters to be learned or without any.

    Abstract: a kind of prior defines ``distribution(like)``, and ``distribution_type`` if its class is always
    the same.

    Parameters
    ----------
    latent_variable_size : int
        D; 0 leaves it to the model that the prior becomes part of.
    """

    distribution_type: Optional[type[Distribution]] = None
    """Class that ``distribution`` returns, if it is always the same."""
    posterior_type: ClassVar[Optional[type[Distribution]]] = None
    """Base class of the posteriors that it is a prior for, if those are not all."""
    needs_label: ClassVar[bool] = False
    """Whether it is p(z | y) of a conditional model, see :class:`gluonvae.ConditionalPrior`."""

    fixed: ClassVar[tuple[str, ...]] = ("latent_variable_size",)

    def __init__(self, latent_variable_size: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = (
            checks.positive_int("latent_variable_size", latent_variable_size) if latent_variable_size else 0
        )
        self._axes: dict[str, tuple[Union[int, str], ...]] = {}

    def distribution(self, like: Tensor) -> Distribution:
        """Return p(z), as an object to score and to sample.

        Parameters
        ----------
        like : Tensor
            Any tensor of the computation: it tells whether that is imperative, and on which device.
        """
        raise NotImplementedError(f"{type(self).__name__} must define distribution(like)")

    def bind(self, model: Model) -> None:
        """Become part of a model: agree with its other parts on sizes, and take from them what p(z) is made of.

        Raises
        ------
        ValueError
            If a part of the model does not fit.
        """
        sizes = {"inference network": model.inference_net.latent_variable_size, "prior": self.latent_variable_size}
        self.latent_variable_size = checks.same_size("latent_variable_size", sizes)
        drawn_from, needed = model.inference_net.distribution_type, self.posterior_type
        if needed is not None and not (drawn_from and issubclass(drawn_from, needed)):
            raise ValueError(
                f"{type(self).__name__} is a prior for posteriors that are {needed.__name__}, and "
                f"{type(model.inference_net).__name__} is another: use another prior, or a posterior such as "
                + ", ".join(_posteriors_of(needed))
            )
        self._set_shapes()

    @property
    def generator_latent_size(self) -> int:
        """Number of latent variables that the generator sees: all of them, except in a hierarchy."""
        return self.latent_variable_size

    @property
    def not_in_generator(self) -> str:
        """What is done to a latent state before the generator sees it, in words; nothing, except in some kinds."""
        return ""

    def generator_latent(self, latent_state: Tensor) -> Tensor:
        """Return the latent variables that the generator sees, of ``(..., D)``: ``(..., generator_latent_size)``."""
        return latent_state

    @property
    def noise(self) -> Structure:
        """The noise that a draw from p(z) takes."""
        kind, size = self.distribution_type, self.latent_variable_size
        return NoiseSpec("normal", size) if kind is None else kind.noise(size)

    @property
    def floats_per_sample(self) -> int:
        """Length of the longest tensor that scoring one latent state takes."""
        return total_size(self.noise)

    def _learn(self, name: str, axes: tuple[Union[int, str], ...], init: object) -> None:
        """Make a parameter, each axis of which is a number or the name of a size that a model tells."""
        self._axes[name] = axes
        parameter = self.params.get(name, shape=self._shape(name), init=init, allow_deferred_init=True)
        setattr(self, name, parameter)

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(axis if isinstance(axis, int) else getattr(self, axis) for axis in self._axes[name])

    def _set_shapes(self) -> None:
        """Give the parameters the shapes that the sizes make."""
        for name in self._axes:
            parameter = getattr(self, name)
            parameter.shape = self._shape(name)
            if parameter._deferred_init:
                parameter._finish_deferred_init()

    def _learned(self, name: str, like: Tensor) -> Tensor:
        """Return the values of a parameter for a computation with ``like``."""
        unknown = [axis for axis, size in zip(self._axes[name], self._shape(name)) if not size]
        if unknown:
            raise ValueError(
                f"{type(self).__name__} does not know {unknown[0]}: pass it, or make the prior part of a VAE"
            )
        return value_of(getattr(self, name), like)


def _posteriors_of(kind: type) -> list[str]:
    """The inference networks whose posteriors are always of this class."""
    types = {net.__name__: net.distribution_type for net in POSTERIORS.values()}
    return [name for name, of in types.items() if of and issubclass(of, kind)]
