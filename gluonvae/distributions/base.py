"""Base classes of the distributions."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Optional

from .. import noise as _noise
from ..backend import log_probs
from ..backend.operators import is_symbol, namespace, stop_gradient, sum_last
from ..backend.regions.availability import available
from ..backend.types import Structure, Tensor
from ..noise import NoiseSpec


class Distribution:
    """A distribution over vectors; see the package's docstring for shapes.

    A kind of distribution defines the methods that make sense for it; the others raise NotImplementedError.
    Where the components are independent, ``component_log_prob`` is enough for ``log_prob``.

    Noise may be left out where the parameters are NDArrays, and is then drawn from
    :data:`gluonvae.noise.own`.
    """

    noise_kind: ClassVar[str] = "normal"
    """Kind of the noise that a draw takes: "normal", "uniform" or "none"."""

    @classmethod
    def noise(cls, size: int) -> Structure:
        """Return the noise that a draw takes.

        Parameters
        ----------
        size : int
            D, the length of the vector. Some families take further arguments.

        Returns
        -------
        NoiseSpec or named tuple of NoiseSpec
        """
        return NoiseSpec(cls.noise_kind, size)

    @property
    def mean(self) -> Tensor:
        """The expected value, ``(..., D)``."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value, ``(..., D)``."""
        raise NotImplementedError(f"{type(self).__name__} has no mode")

    def given(self, value: Tensor) -> Distribution:
        """Return the distribution given what it takes from a value, such as a total; most take nothing.

        Parameters
        ----------
        value : Tensor
            ``(..., D)``.

        Returns
        -------
        Distribution
        """
        return self

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute the log density, or log mass, of a value.

        Parameters
        ----------
        value : Tensor
            ``(..., D)``. Its leading axes and those of the parameters broadcast.

        Returns
        -------
        Tensor
            ``(...)``, in nats.
        """
        return sum_last(self.component_log_prob(value))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the log density, or log mass, of each component of a value, where they are independent.

        Parameters
        ----------
        value : Tensor
            ``(..., D)``. Its leading axes and those of the parameters broadcast.

        Returns
        -------
        Tensor
            ``(..., D)``, in nats.
        """
        raise NotImplementedError(f"{type(self).__name__} has no density of each component")

    def sample(self, noise: Optional[Structure] = None) -> Tensor:
        """Draw a value, through which no gradient flows.

        Parameters
        ----------
        noise : Structure, optional
            Noise as :meth:`noise` specifies it.

        Returns
        -------
        Tensor
            ``(..., D)``, with the leading axes of the noise.
        """
        return stop_gradient(self.rsample(noise))

    def rsample(self, noise: Optional[Structure] = None) -> Tensor:
        """Draw a value that is a differentiable function of the parameters, a reparametrised sample.

        Parameters
        ----------
        noise : Structure, optional
            Noise as :meth:`noise` specifies it.

        Returns
        -------
        Tensor
            ``(..., D)``, with the leading axes of the noise.
        """
        raise NotImplementedError(f"{type(self).__name__} has no reparametrised sample")

    def rsample_and_log_prob(self, noise: Optional[Structure] = None) -> tuple[Tensor, Tensor]:
        """Draw a value as :meth:`rsample` does, and compute its log density.

        Parameters
        ----------
        noise : Structure, optional
            Noise as :meth:`noise` specifies it.

        Returns
        -------
        value : Tensor
            ``(..., D)``.
        log_prob : Tensor
            ``(...)``, in nats, with the gradient of ``log_prob(rsample(noise))``.
        """
        value = self.rsample(noise)
        return value, self.log_prob(value)

    def _noise_for(self, like: Tensor, noise: Optional[Structure], *options: int) -> Structure:
        """Return ``noise``, or draw it where it is None.

        Parameters
        ----------
        like : Tensor
            A parameter, ``(..., D)``.
        noise : Structure, optional
            The noise that a method was given.
        *options : int
            Further arguments of :meth:`noise`.
        """
        if noise is not None:
            return noise
        if is_symbol(like):
            raise TypeError("noise must be given where the data is a Symbol: a graph draws none itself")
        return _noise.own.draw(self.noise(like.shape[-1], *options), like.shape[:-1], like.context, like.dtype)


class Reparametrized(Distribution):
    """Base class of the distributions of an invertible function of a variate, whose own distribution has no parameters.

    A kind defines ``_variate``, which computes the variate from noise, the function ``_forward``, its inverse
    ``_inverse``, and ``_log_prob_of``, the log density of a value in terms of its variate.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        return self._log_prob_of(self._inverse(value))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        return self._forward(self._variate(noise))

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        # the inverse is not needed: the variate of the draw is known
        variate = self._variate(noise)
        return self._forward(variate), self._log_prob_of(variate)

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        """Compute the variate from noise, ``(..., D)``."""
        raise NotImplementedError

    def _forward(self, variate: Tensor) -> Tensor:
        """Compute the value of a variate."""
        raise NotImplementedError

    def _inverse(self, value: Tensor) -> Tensor:
        """Compute the variate of a value."""
        raise NotImplementedError

    def _log_prob_of(self, variate: Tensor) -> Tensor:
        """Compute the log density at the value of a variate, ``(...)``, in nats."""
        raise NotImplementedError


class LocationScale(Reparametrized):
    """Base class of the distributions of ``mean + scale * variate``, with a variate that is symmetric around 0.

    Parameters
    ----------
    mean : Tensor
        ``(..., D)``.
    scale : Tensor
        ``(..., D)``, positive; a matrix for each data point in a kind with its own ``_forward`` and ``_inverse``.
    by_rows : bool
        Whether mean, scale and the values that are scored have the same shape, but for leading axes of samples that
        some have beside the others, as of a likelihood: then a log density is one operator.
    """

    _compiled_log_prob: ClassVar[Optional[Callable[..., Any]]] = None
    """The log density of mean, scale and value as a compiled operator."""

    def __init__(self, mean: Tensor, scale: Tensor, by_rows: bool = False) -> None:
        self._mean = mean
        self.scale = scale
        self.by_rows = by_rows

    def log_prob(self, value: Tensor) -> Tensor:
        of_rows = type(self)._compiled_log_prob
        if of_rows and self.by_rows and available() and log_probs.fit(self._mean, self.scale, value):
            return of_rows(self._mean, self.scale, value)
        return super().log_prob(value)

    @property
    def mean(self) -> Tensor:
        return self._mean

    mode = mean

    def _variate(self, noise: Optional[Tensor]) -> Tensor:
        return self._noise_for(self._mean, noise)

    def _forward(self, variate: Tensor) -> Tensor:
        F = namespace(variate)
        return F.broadcast_add(F.broadcast_mul(variate, self.scale), self._mean)

    def _inverse(self, value: Tensor) -> Tensor:
        F = namespace(value)
        distance = F.broadcast_sub(value, self._mean)
        # the scale is broadcast by a sum, because the gradient of that is a sum too; the gradient of a division
        # that broadcasts computes each product again as it adds them up, and takes more than twice the time
        return F.broadcast_div(distance, F.broadcast_add(F.zeros_like(distance), self.scale))
