"""The importance-weighted bound on the likelihood of what is observed of incomplete data."""

from __future__ import annotations

from ..models import VAE
from .base import BOUNDS
from .importance import IWAE


@BOUNDS.register("observed_iwae")
class ObservedIWAE(IWAE):
    """The importance-weighted bound E[log 1/k Σ_i p(x_o, z_i) / q(z_i | x_o)] on log p(x_o), x_o the observed values.

    Mattei and Frellsen 2019, equation 4, who call it MIWAE, which is another bound here, :class:`MIWAE`. It is
    :class:`IWAE` over a model that takes missing values, and is refused over any other. Where values are missing at
    random, the generator learns as from all of them that are there.

    Parameters
    ----------
    vae : VAE
        A model whose generator is made with ``missing=True``.
    samples : int
        k.
    gradient : {"standard", "stl", "dreg"}
        See :class:`ImportanceWeighted`.

    Raises
    ------
    ValueError
        For a model that takes no missing values.
    """

    def __init__(self, vae: VAE, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        if not vae.generator.missing:
            raise ValueError(
                f"{type(self).__name__} is of data with missing values, which this model does not take: use IWAE, or "
                "make its generator with missing=True"
            )
