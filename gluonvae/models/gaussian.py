"""The tutorial's model: a diagonal Gaussian posterior under a standard normal prior."""

from __future__ import annotations

from typing import Any, Callable

from ..backend.types import Structure, Tensor
from ..distributions import Distribution, Normal, StandardNormal, kl_divergence
from ..generator import Generator
from ..inference import InferenceNetwork
from .vae import VAE


def diagonal_gaussian_kl(mean: Tensor, std: Tensor) -> Tensor:
    """Compute KL(N(mean, std**2) || N(0, 1)) in nats.

    Kingma and Welling 2014, appendix B, with the sign that makes it a divergence: it is to be subtracted from
    the log-likelihood.

    Parameters
    ----------
    mean, std : NDArray or Symbol
        ``(B, D)``.

    Returns
    -------
    NDArray or Symbol
        ``(B,)``, never negative.
    """
    return kl_divergence(Normal(mean, std), StandardNormal())


class GaussianVAE(VAE):
    """A VAE with a diagonal Gaussian posterior and a standard normal prior.

    Parameters
    ----------
    generator : Generator
        p(x | z).
    inference_net : InferenceNetwork
        q(z | x), whose parameters are ``(mean, std)``.
    kl_divergence : callable
        A function of ``(mean, std)``, ``(B, D)`` each, that returns ``(B,)`` nats.
    """

    def __init__(
        self,
        generator: Generator,
        inference_net: InferenceNetwork,
        kl_divergence: Callable[[Tensor, Tensor], Tensor] = diagonal_gaussian_kl,
    ) -> None:
        if isinstance(inference_net, InferenceNetwork) and inference_net.distribution_type not in (None, Normal):
            raise ValueError(
                f"the posterior of a GaussianVAE is a diagonal Gaussian, got {type(inference_net).__name__}: use VAE"
            )
        super().__init__(generator, inference_net)
        self.kl_divergence = kl_divergence

    @property
    def kl_is_replaced(self) -> bool:
        """Whether ``kl_divergence`` is another than :func:`diagonal_gaussian_kl`."""
        return self.kl_divergence is not diagonal_gaussian_kl

    def analytic_kl(self, q: Any, p: Distribution) -> Tensor:
        """Return the KL divergence in nats, ``(B,)``."""
        return self.kl_divergence(q.mean, q.std)

    def rsample_and_kl(self, q: Any, p: Distribution, noise: Structure) -> tuple[Tensor, Tensor]:
        """Draw from q, and return the KL divergence in nats, ``(B,)``."""
        if self.kl_is_replaced:
            return q.rsample(noise), self.analytic_kl(q, p)
        return super().rsample_and_kl(q, p, noise)
