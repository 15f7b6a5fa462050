"""What every prior answers."""

from __future__ import annotations

from typing import Any, ClassVar, Optional, Union

from .. import checks
from ..backend.operators import Tensor, is_symbol
from ..distributions import Distribution
from ..networks import ModelBlock
from ..registry import Registry

PRIORS = Registry("prior")
"""Priors by name."""


class Prior(ModelBlock):
    """p(z), whose parameters are numbers to be learned or none at all. Abstract: a kind of prior defines
    ``distribution(like, inference_net)``.

    Parameters
    ----------
    latent_variable_size : D; 0 leaves it to the model that the prior becomes part of.
    data_dims : X, likewise; only a prior that looks at data has a use for it.
    """

    distribution_type: Optional[type[Distribution]] = None
    """Of what ``distribution`` returns, where it is always the same."""
    posterior_type: ClassVar[Optional[type[Distribution]]] = None
    """The ``distribution_type`` of the posteriors that it is a prior for, where those are not all."""
    needs_label: ClassVar[bool] = False
    """Whether it is p(z | y), and there is no p(z)."""

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = (
            checks.positive_int("latent_variable_size", latent_variable_size) if latent_variable_size else 0
        )
        self.data_dims = checks.positive_int("data_dims", data_dims) if data_dims else 0
        self.posterior_noise_size = self.latent_variable_size
        """How many numbers of noise a draw from q(z | x) takes; the model tells."""
        self.posterior_width = self.latent_variable_size
        """The width of the inference network; the model tells."""
        self.data_range = "real"
        """Where the data lies, see :class:`gluonvae.generator.support.Support`; the model tells."""
        self.label_size = 0
        """Y, how many numbers a label has; the model tells."""
        self._axes: dict[str, tuple[Union[int, str], ...]] = {}

    def distribution(self, like: Tensor, inference_net: Any) -> Distribution:
        """p(z), as an object to score and to sample.

        Parameters
        ----------
        like : any tensor of the computation: it tells whether that is imperative, and on which device.
        inference_net : the model's, for priors that are made of it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define distribution(like, inference_net)")

    def given(self, label: Tensor, inference_net: Any) -> Distribution:
        """p(z | y) for labels ``(B, Y)``: here p(z), whatever the label."""
        return self.distribution(label, inference_net)

    @property
    def generating_size(self) -> int:
        """How many numbers of a latent state the generator is given: all but in a hierarchy."""
        return self.latent_variable_size

    def generating(self, latent_state: Tensor) -> Tensor:
        """What the generator is given of a latent state ``(..., D)``, ``(..., generating_size)``."""
        return latent_state

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers a draw from p(z) takes."""
        return self.latent_variable_size

    @property
    def width(self) -> int:
        """The most numbers of anything that scoring one latent state takes: what it takes of memory."""
        return self.latent_variable_size

    def _learn(self, name: str, axes: tuple[Union[int, str], ...], init: Any) -> None:
        """Have a parameter ``name``, each axis of which is a number or the name of a size."""
        self._axes[name] = axes
        shape = tuple(axis if isinstance(axis, int) else getattr(self, axis) for axis in axes)
        setattr(self, name, self.params.get(name, shape=shape, init=init, allow_deferred_init=True))

    def _learned(self, name: str, like: Tensor) -> Tensor:
        """The values of a parameter, for a computation of the kind of ``like``.

        Raises ValueError where a size is known neither to the prior nor from the model.
        """
        parameter = getattr(self, name)
        parameter.shape = tuple(axis if isinstance(axis, int) else self._known(axis) for axis in self._axes[name])
        if is_symbol(like):
            return parameter.var()
        parameter._finish_deferred_init()
        return parameter.data(like.context)

    def _known(self, size: str) -> int:
        value = getattr(self, size)
        if not value:
            raise ValueError(f"{type(self).__name__} does not know {size}: pass it, or make the prior part of a VAE")
        return value
