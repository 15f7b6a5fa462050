"""What the families of counts have in common: means, library sizes, dispersions, and more zeros."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, Optional

import numpy as np

from .. import checks
from ..backend.operators import clip, log_softmax, namespace
from ..backend.runtime import mx
from ..backend.types import Model, Parameter, Tensor
from ..distributions import Codes, Distribution, Family, ObservedLibrary, Quantized
from ..distributions.scales import positive
from ..weights import value_of

MIN_MEAN, MAX_MEAN = 1e-6, 2.0**24
"""Bounds of an expected count: its logarithm is taken, and beyond the upper one a float32 does not tell two
counts apart."""
MIN_DISPERSION = 1e-4
"""Floor of an inverse dispersion."""

LIBRARIES = ("observed", "latent")
"""Where the library size of a data point may come from: its own counts, or the last latent variable."""
DISPERSIONS = ("per_feature", "network")
"""Where an inverse dispersion may come from: a parameter of the model for each variable, or a head of the network."""


def expected_count(log_mean: Tensor) -> Tensor:
    """Return an expected count, from its logarithm: on that scale large counts are as soon learnt as small ones."""
    F = namespace(log_mean)
    return F.exp(clip(log_mean, math.log(MIN_MEAN), math.log(MAX_MEAN)))


class CountFamily(Family):
    """Base class of the families of independent counts.

    Without a library size the network returns the logarithms of the expected counts. With one it returns logits of
    proportions ρ, whose sum is 1, and the expected counts are l ρ, with the library size l of a data point
    (Lopez et al. 2018); where zeros are inflated these are the counts of what is not zero for sure.

    - "observed": l is the total of the counts themselves, and the likelihood is p(x | z, l). Reconstructions have the
      l of the data, samples the median l of the training data. The parameters begin with log ρ and that median,
      ``(..., 1)``, in the place of the expected counts.
    - "latent": l is exp(m + s z_D), with the last latent variable z_D, which the network does not see, and with the
      mean m and the standard deviation s of log l in the training data: log-normal, if z_D is standard normal.

    The numbers of the training data are set by :meth:`adapt`, and saved and loaded with the parameters.

    Parameters
    ----------
    data_dims : int
        X.
    library : {"observed", "latent"}, optional
        Where the library size comes from; if left out there is none.
    """

    supports_bfloat16 = False

    @property
    def takes_missing(self) -> bool:
        """Not where l is the total of all counts, which is not known where some are missing."""
        return self.library != "observed" and super().takes_missing

    fixed = ("library",)
    mean_head: ClassVar[str] = "log_mean"
    """Name of the head for the expected counts."""

    def __init__(self, data_dims: int, library: Optional[str] = None) -> None:
        super().__init__(data_dims)
        self.library = None if library is None else checks.known_name("library", library, LIBRARIES)
        self.own_latent_size = int(self.library == "latent")
        with self.name_scope():
            if self.library:
                # the median, or the geometric mean; 0 before it is known
                self.library_size = self._constant("library_size")
            if self.library == "latent":
                self.log_library_std = self._constant("log_library_std")

    def _constant(self, name: str) -> Parameter:
        return self.params.get(name, shape=(1,), init=mx.init.Zero(), grad_req="null")

    @property
    def needs_adapting(self) -> bool:
        """Whether there are constants to be taken from the training data, and they are not set yet."""
        if self.library is None:
            return False
        return self.library_size._data is None or not self.library_size.list_data()[0].asscalar()

    def adapt(self, blocks: Iterable[np.ndarray]) -> None:
        """Take the library sizes of training data; rows without any count, or with a value missing, are left out.

        Parameters
        ----------
        blocks : iterable of numpy.ndarray
            The data, ``(n, X)`` each.

        Raises
        ------
        ValueError
            If no row is left.
        """
        if self.library is None:
            return
        totals = np.concatenate([np.sum(block, axis=1, dtype=np.float64) for block in blocks])
        totals = totals[totals > 0]
        if not len(totals):
            raise ValueError(
                f"library={self.library!r} takes library sizes from the data, and no row of them has a count"
            )
        if self.library == "observed":
            _set(self.library_size, np.median(totals))
        else:
            _set(self.library_size, math.exp(np.log(totals).mean()))
            _set(self.log_library_std, np.log(totals).std())

    def _typical_library(self, like: Tensor) -> Tensor:
        """Return the typical library size, ``(1,)``, for a computation with ``like``."""
        if self.library_size._data is not None and self.needs_adapting:
            raise ValueError(
                f"library={self.library!r} takes the library sizes of the training data, which are not known yet: "
                "call vae.adapt(data) first"
            )
        return value_of(self.library_size, like)

    def bind(self, model: Model) -> None:
        drawn_from = model.inference_net.distribution_type
        if self.library == "latent" and drawn_from and issubclass(drawn_from, (Codes, Quantized)):
            raise ValueError(
                "library='latent' takes a latent variable that is a real number, and those of "
                f"{type(model.inference_net).__name__} are codes: use another posterior, or library='observed'"
            )

    @property
    def heads(self) -> dict[str, int]:
        return {self.mean_head: self.size}

    def parameters(self, *raw: Tensor, latent: Optional[Tensor] = None) -> tuple[Tensor, ...]:
        """Transform outputs of the network to parameters.

        Parameters
        ----------
        *raw : Tensor
            The outputs, any real numbers, in the order of ``heads``.
        latent : Tensor, optional
            z_D, ``(..., 1)``, where it is the library size.

        Returns
        -------
        tuple of Tensor
            The arguments of :meth:`distribution`.
        """
        (log_mean,) = raw
        if self.library is None:
            return (expected_count(log_mean),)
        F, log_proportions = namespace(log_mean), log_softmax(log_mean)
        if latent is None:
            # (..., 1)
            zeros = F.zeros_like(F.slice_axis(log_mean, axis=-1, begin=0, end=1))
            return log_proportions, F.broadcast_add(zeros, self._typical_library(log_mean))
        deviation = F.broadcast_mul(latent, value_of(self.log_library_std, latent))
        log_library = F.broadcast_add(deviation, F.log(self._typical_library(latent)))
        return (_scaled(log_proportions, log_library),)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        mean, *others = super().parameter_names
        return ("log_proportions", "library", *others) if self.library == "observed" else (mean, *others)

    def distribution(self, *parameters: Tensor) -> Distribution:
        if self.library != "observed":
            return super().distribution(*parameters)
        log_proportions, typical, *others = parameters

        def counts(library: Tensor) -> Distribution:
            log_library = namespace(library).log(library)
            return super(CountFamily, self).distribution(_scaled(log_proportions, log_library), *others)

        return ObservedLibrary(counts, typical)


class DispersedFamily(CountFamily):
    """Base class of the families of counts with a mean and an inverse dispersion θ.

    Parameters
    ----------
    data_dims : int
        X.
    library : {"observed", "latent"}, optional
        See :class:`CountFamily`.
    dispersion : {"per_feature", "network"}
        Whether θ is learned for each of the X variables, or comes from the network.
    """

    fixed = ("dispersion",)

    def __init__(self, data_dims: int, library: Optional[str] = None, dispersion: str = "per_feature") -> None:
        super().__init__(data_dims, library)
        self.dispersion = checks.known_name("dispersion", dispersion, DISPERSIONS)
        if self.dispersion == "per_feature":
            with self.name_scope():
                self.raw_dispersion = self.params.get("raw_dispersion", shape=(data_dims,), init=mx.init.Zero())

    @property
    def heads(self) -> dict[str, int]:
        of_network = {"dispersion": self.size} if self.dispersion == "network" else {}
        return {**super().heads, **of_network}

    def parameters(self, *raw: Tensor, latent: Optional[Tensor] = None) -> tuple[Tensor, ...]:
        log_mean, *of_network = raw
        mean, *library = super().parameters(log_mean, latent=latent)
        dispersion = positive(of_network[0] if of_network else value_of(self.raw_dispersion, mean), MIN_DISPERSION)
        F = namespace(mean)
        return mean, *library, F.broadcast_add(F.zeros_like(mean), dispersion)


class ZeroInflatedFamily(CountFamily):
    """Base class of the families of counts with a probability, from the network, that a count is 0 for sure."""

    @property
    def heads(self) -> dict[str, int]:
        return {**super().heads, "gate_logits": self.size}

    def parameters(self, *raw: Tensor, latent: Optional[Tensor] = None) -> tuple[Tensor, ...]:
        *of_counts, gate_logits = raw
        return (*super().parameters(*of_counts, latent=latent), gate_logits)


def _scaled(log_proportions: Tensor, log_library: Tensor) -> Tensor:
    """Return expected counts."""
    return expected_count(namespace(log_proportions).broadcast_add(log_proportions, log_library))


def _set(parameter: Parameter, value: float) -> None:
    """Set a constant, whether or not the model is initialised."""
    parameter.init = mx.init.Constant(float(value))
    if parameter._data is not None:
        parameter.set_data(mx.nd.full((1,), value, dtype="float64"))
