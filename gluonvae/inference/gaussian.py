"""Gaussian posteriors: diagonal, of full covariance, and of low rank."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from .. import checks
from ..backend.operators import namespace
from ..backend.types import Structure, Tensor
from ..distributions import Distribution, Family, LowRankNormal, MultivariateNormal, Normal
from ..distributions.scales import bounded, std_transform
from .base import POSTERIORS
from .network import FamilyInferenceNetwork


class DiagonalGaussian(Family):
    """Gaussians of independent variables, with parameters ``(mean, std)``, each ``(B, D)``.

    Parameters
    ----------
    latent_variable_size : int
        D.
    std : {"softplus", "exp"}
        What makes a standard deviation of a real number: softplus with a floor of
        :data:`gluonvae.distributions.scales.MIN_STD`, or exp clipped there and at its inverse.
    """

    distribution_type: type[Distribution] = Normal

    def __init__(self, latent_variable_size: int, std: str = "softplus") -> None:
        super().__init__(latent_variable_size)
        self.std_transform = std_transform(std)

    @property
    def heads(self) -> dict[str, int]:
        return {"mean": self.size, "std": self.size}

    def parameters(self, mean: Tensor, std: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        return mean, self.std_transform(std), *others

    def distribution(self, *parameters: Any, **named: Any) -> Distribution:
        if self.distribution_type is not Normal:  # a family of a user's own
            return super().distribution(*parameters, **named)
        mean, std = parameters
        return Normal(mean, std, is_aligned=True)


@POSTERIORS.register("gaussian")
class GaussianInferenceNetwork(FamilyInferenceNetwork):
    """A diagonal Gaussian posterior, see :class:`DiagonalGaussian` and :class:`FamilyInferenceNetwork`.

    Burda, Grosse and Salakhutdinov 2016 have ``shared_layers=None, std="exp"``.

    Examples
    --------
    >>> net = gluonvae.GaussianInferenceNetwork(100, [500, 200], "tanh")
    """

    family_type = DiagonalGaussian

    def sample_latent_state(self, *parameters: Tensor, noise: Optional[Structure] = None) -> Tensor:
        """Draw ``mean + std * noise``, of ``(mean, std)`` or, as in the tutorial, ``(mean, std, noise)``."""
        if len(parameters) == 3 and noise is None:
            mean, std, noise = parameters
            parameters = mean, std
        return super().sample_latent_state(*parameters, noise=noise)


class FullCovarianceGaussian(Family):
    """Gaussians with parameters ``(mean, factor)``, ``(B, D)`` and ``(B, D, D)``, a Cholesky factor of the covariance.

    The factor is (1 + N) S: S diagonal, and N below the diagonal and bounded, so that there is an
    inverse that a float32 can hold. It starts near a diagonal.

    Parameters
    ----------
    latent_variable_size : int
        D.
    std : {"softplus", "exp"}
        What makes S, see :class:`DiagonalGaussian`.
    """

    distribution_type = MultivariateNormal
    supports_bfloat16 = False
    small_heads = ("triangle",)

    def __init__(self, latent_variable_size: int, std: str = "softplus") -> None:
        super().__init__(latent_variable_size)
        self.std_transform = std_transform(std)

    @property
    def heads(self) -> dict[str, int]:
        return {"mean": self.size, "triangle": self.size * (self.size + 1) // 2}

    def parameters(self, mean: Tensor, triangle: Tensor) -> tuple[Tensor, ...]:
        F = namespace(triangle)
        triangle = F.linalg.maketrian(triangle)
        diagonal = F.linalg.extractdiag(triangle)
        below = bounded(triangle - F.linalg.makediag(diagonal))
        std = self.std_transform(diagonal)
        return mean, F.broadcast_mul(below, F.expand_dims(std, axis=1)) + F.linalg.makediag(std)


@POSTERIORS.register("full_covariance")
class FullCovarianceInferenceNetwork(FamilyInferenceNetwork):
    """A Gaussian posterior with any covariance, see :class:`FullCovarianceGaussian` and
    :class:`FamilyInferenceNetwork` (Kingma and Welling 2019, section 2.5.1)."""

    family_type = FullCovarianceGaussian


class LowRankGaussian(Family):
    """Gaussians with covariance S (1 + W W') S and parameters ``(mean, std, factor)``.

    They are ``(B, D)``, the diagonal of S ``(B, D)``, and W ``(B, D, rank)``, which is bounded and starts near 0.

    Parameters
    ----------
    latent_variable_size : int
        D.
    std : {"softplus", "exp"}
        What makes S, see :class:`DiagonalGaussian`.
    rank : int
        Number of directions beside the diagonal.
    """

    distribution_type = LowRankNormal
    supports_bfloat16 = False
    small_heads = ("factor",)

    fixed: ClassVar[tuple[str, ...]] = ("rank",)

    def __init__(self, latent_variable_size: int, std: str = "softplus", rank: int = 5) -> None:
        super().__init__(latent_variable_size)
        self.std_transform = std_transform(std)
        self.rank = checks.positive_int("rank", rank)

    @property
    def heads(self) -> dict[str, int]:
        return {"mean": self.size, "std": self.size, "factor": self.size * self.rank}

    @property
    def noise(self) -> Structure:
        return LowRankNormal.noise(self.size, self.rank)

    def parameters(self, mean: Tensor, std: Tensor, factor: Tensor) -> tuple[Tensor, ...]:
        factor = namespace(factor).reshape(factor, shape=(0, -1, self.rank))
        return mean, self.std_transform(std), bounded(factor)


@POSTERIORS.register("low_rank")
class LowRankInferenceNetwork(FamilyInferenceNetwork):
    """A Gaussian posterior of a diagonal plus low rank, see :class:`LowRankGaussian` and
    :class:`FamilyInferenceNetwork` (Ong, Nott and Smith 2018)."""

    family_type = LowRankGaussian
