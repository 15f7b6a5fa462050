"""Gaussians whose covariance is of low rank but for a diagonal."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend.operators import HALF_LOG_TWO_PI, Tensor, namespace, stop_gradient
from .base import Distribution
from .columns import as_columns, as_rows


class LowRankNormal(Distribution):
    """A Gaussian with covariance S (1 + W W') S, S diagonal and W of r columns.

    Parameters
    ----------
    mean : ``(B, D)``.
    std : the diagonal of S, ``(B, D)``, positive: standard deviations where W is 0.
    factor : W, ``(B, D, r)``.
    """

    def __init__(self, mean: Tensor, std: Tensor, factor: Tensor) -> None:
        self._mean = mean
        self.std = std
        self.factor = factor

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def mode(self) -> Tensor:
        return self._mean

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        return self._log_prob(F.broadcast_div(F.broadcast_sub(value, self._mean), self.std))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """``mean + std (a + W b)``, with standard normal noise ``(..., B, D + r)``, a and b one after the other."""
        return self._scaled(self._correlated(noise))

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        correlated = self._correlated(noise)
        return self._scaled(correlated), self._log_prob(correlated)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        return stop_gradient(self.rsample(noise))

    def inner_factor(self) -> Tensor:
        """The Cholesky factor of 1 + W'W, ``(B, r, r)``: by the matrix determinant lemma, the covariance
        has the determinant of that times the one of S S."""
        F = namespace(self.factor)
        inner = F.linalg.syrk(self.factor, transpose=True)
        one = F.linalg.makediag(F.ones_like(F.linalg.extractdiag(inner)))
        return F.linalg.potrf(inner + one)

    def _correlated(self, noise: Optional[Tensor]) -> Tensor:
        """a + W b, ``(..., B, D)``."""
        F = namespace(self.std)
        if noise is None:
            *batch, size, rank = self.factor.shape
            noise = _noise.normal_for(self.std, None, (*batch, size + rank))
        # (B, D + r, N), of which the first D rows and the last r
        both = as_columns(noise)
        own = F.slice_like(both, self.std, axes=(1,))
        backwards = F.slice_like(F.reverse(both, axis=1), F.swapaxes(self.factor, 1, 2), axes=(1,))
        common = F.batch_dot(self.factor, F.reverse(backwards, axis=1))
        return as_rows(own + common, noise)

    def _scaled(self, correlated: Tensor) -> Tensor:
        F = namespace(correlated)
        return F.broadcast_add(F.broadcast_mul(correlated, self.std), self._mean)

    def _log_prob(self, correlated: Tensor) -> Tensor:
        """The log density where a + W b is this, by Woodbury's identity: as a sum of squares, those of the
        likeliest a and b, which loses no digits to a difference."""
        F = namespace(correlated)
        inner = self.inner_factor()
        # (B, r, N): (1 + W'W)^-1 W' (a + W b)
        seen = F.batch_dot(self.factor, as_columns(correlated), transpose_a=True)
        common = F.linalg.trsm(inner, F.linalg.trsm(inner, seen), transpose=True)
        own = correlated - as_rows(F.batch_dot(self.factor, common), correlated)
        squares = F.sum(F.square(own), axis=-1) + F.sum(F.square(as_rows(common, correlated)), axis=-1)
        constant = F.sum(F.log(self.std) + HALF_LOG_TWO_PI, axis=-1) + F.linalg.sumlogdiag(inner)
        return F.broadcast_sub(-0.5 * squares, constant)
