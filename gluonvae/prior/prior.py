"""What every prior answers."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from .. import checks
from ..distributions import Distribution
from ..networks import ModelBlock
from ..ops import Tensor, is_symbol
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

    distribution_type: ClassVar[Optional[type[Distribution]]] = None
    """Of what ``distribution`` returns, where it is always the same."""

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = (
            checks.positive_int("latent_variable_size", latent_variable_size) if latent_variable_size else 0
        )
        self.data_dims = checks.positive_int("data_dims", data_dims) if data_dims else 0
        self.posterior_noise_size = self.latent_variable_size
        """How many numbers of noise a draw from q(z | x) takes; the model tells."""

    def distribution(self, like: Tensor, inference_net: Any) -> Distribution:
        """p(z), as an object to score and to sample.

        Parameters
        ----------
        like : any tensor of the computation: it tells whether that is imperative, and on which device.
        inference_net : the model's, for priors that are made of it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define distribution(like, inference_net)")

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers a draw from p(z) takes."""
        return self.latent_variable_size

    def _learned(self, parameter: Any, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The values of a parameter of the prior's own, for a computation of the kind of ``like``; of
        ``shape``, parts of which only the model may have told."""
        parameter.shape = shape
        if is_symbol(like):
            return parameter.var()
        parameter._finish_deferred_init()
        return parameter.data(like.context)
