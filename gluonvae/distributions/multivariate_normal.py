"""Gaussians with correlated components: of full covariance, and of low rank but for a diagonal."""

from __future__ import annotations

from typing import Optional

from ..backend.operators import HALF_LOG_TWO_PI, is_symbol, namespace, with_sample_axis
from ..backend.types import Tensor
from ..noise import NoiseSpec
from .base import LocationScale
from .normal import StandardNormal


class MultivariateNormal(LocationScale):
    """A Gaussian with a mean and a covariance L L'.

    A draw is ``mean + L noise``, with standard normal noise ``(..., B, D)``.

    Parameters
    ----------
    mean : Tensor
        ``(B, D)``.
    factor : Tensor
        L, ``(B, D, D)``, lower triangular with a positive diagonal.
    """

    def __init__(self, mean: Tensor, factor: Tensor) -> None:
        super().__init__(mean, factor)
        self.factor = factor

    def _forward(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        return F.broadcast_add(_as_rows(F.linalg.trmm(self.factor, _as_columns(variate)), variate), self._mean)

    def _inverse(self, value: Tensor) -> Tensor:
        F = namespace(value)
        distance = F.broadcast_sub(value, self._mean)
        return _as_rows(F.linalg.trsm(self.factor, _as_columns(distance)), distance)

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        return F.broadcast_sub(StandardNormal().log_prob(variate), F.linalg.sumlogdiag(self.factor))


class LowRankNormal(LocationScale):
    """A Gaussian with covariance S (1 + W W') S, where S is diagonal and W has r columns.

    A draw is ``mean + std (a + W b)``, where a and b, one after the other, are standard normal noise
    ``(..., B, D + r)``.

    Parameters
    ----------
    mean : Tensor
        ``(B, D)``.
    std : Tensor
        The diagonal of S, ``(B, D)``, positive: the standard deviations where W is 0.
    factor : Tensor
        W, ``(B, D, r)``.
    """

    def __init__(self, mean: Tensor, std: Tensor, factor: Tensor) -> None:
        super().__init__(mean, std)
        self.std = std
        self.factor = factor

    @classmethod
    def noise(cls, size: int, rank: int = 0) -> NoiseSpec:
        return NoiseSpec(cls.noise_kind, size + rank)

    def inner_factor(self) -> Tensor:
        """Compute the Cholesky factor of 1 + W'W.

        By the matrix determinant lemma, the determinant of the covariance is that of 1 + W'W times that of S S.

        Returns
        -------
        Tensor
            ``(B, r, r)``.
        """
        F = namespace(self.factor)
        inner = F.linalg.syrk(self.factor, transpose=True)
        one = F.linalg.makediag(F.ones_like(F.linalg.extractdiag(inner)))
        return F.linalg.potrf(inner + one)

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        """Return a + W b, ``(..., B, D)``."""
        F = namespace(self.std)
        noise = self._noise_for(self.std, noise, *(() if is_symbol(self.factor) else self.factor.shape[-1:]))
        # (B, D + r, N): the first D rows are a, the last r are b
        both = _as_columns(noise)
        own = F.slice_like(both, self.std, axes=(1,))
        backwards = F.slice_like(F.reverse(both, axis=1), F.swapaxes(self.factor, 1, 2), axes=(1,))
        common = F.batch_dot(self.factor, F.reverse(backwards, axis=1))
        return _as_rows(own + common, noise)

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        # by Woodbury's identity, the squared Mahalanobis distance of a + W b is the sum of the squares of the most
        # probable a and b; a sum loses no digits, as the usual difference does
        F, inner = namespace(variate), self.inner_factor()
        # (B, r, N), the most probable b: (1 + W'W)^-1 W' (a + W b)
        projected = F.batch_dot(self.factor, _as_columns(variate), transpose_a=True)
        common = F.linalg.trsm(inner, F.linalg.trsm(inner, projected), transpose=True)
        own = variate - _as_rows(F.batch_dot(self.factor, common), variate)
        squares = F.sum(F.square(own), axis=-1) + F.sum(F.square(_as_rows(common, variate)), axis=-1)
        constant = F.sum(F.log(self.std) + HALF_LOG_TWO_PI, axis=-1) + F.linalg.sumlogdiag(inner)
        return F.broadcast_sub(-0.5 * squares, constant)


def _as_columns(x: Tensor) -> Tensor:
    """Return ``(..., B, D)`` as ``(B, D, N)``: all values of a data point as the columns of one matrix."""
    return namespace(x).transpose(with_sample_axis(x), axes=(1, 2, 0))


def _as_rows(columns: Tensor, like: Tensor) -> Tensor:
    """Return ``(B, D, N)`` as ``(..., B, D)``, with the leading axes of ``like``, ``(..., B, E)``."""
    F = namespace(columns)
    # (N, B, D)
    rows = F.transpose(columns, axes=(2, 0, 1))
    return F.reshape_like(rows, like, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=-1)
