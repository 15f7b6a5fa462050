"""Base class of the families of distributions, which networks parametrise."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Optional

import numpy as np

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.types import Model, Structure, Tensor
from ..noise import total_size
from .base import Distribution


class Family(GraphBlock):
    """A family of distributions over vectors, parametrised by the outputs of a network.

    A subclass defines the sizes of these outputs (``heads``), the transform from outputs to parameters
    (``parameters``), and the class of the distributions (``distribution_type``). It may have parameters and blocks
    of its own, such as flows.

    Parameters
    ----------
    size : int
        D, the length of the vector.
    """

    distribution_type: type[Distribution]
    """Class of the distributions."""
    reparametrized = True
    """Whether a draw is a differentiable function of the parameters."""
    deterministic = False
    """Whether the distributions are point masses."""
    supports_bfloat16 = True
    """Whether bfloat16, with eight significant bits, is accurate enough for the family."""
    small_heads: ClassVar[tuple[str, ...]] = ()
    """Names of the heads whose initial weights are near 0."""

    own_latent_size = 0
    """Of a likelihood, how many latent variables, the last ones, it takes itself: the network does not see them."""
    not_in_parameters: ClassVar[str] = ""
    """What else than the parameters makes the distribution, in words: what an export of the network leaves out."""
    fixed: ClassVar[tuple[str, ...]] = ("size",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = checks.positive_int("size", size)

    @property
    def heads(self) -> dict[str, int]:
        """Sizes of the network's outputs for a data point, by name."""
        raise NotImplementedError(f"{type(self).__name__} must define heads")

    def parameters(self, *raw: Any, **named: Any) -> tuple[Tensor, ...]:
        """Transform outputs of the network to parameters.

        Parameters
        ----------
        *raw : Tensor
            The outputs, any real numbers, in the order of ``heads``.

        Returns
        -------
        tuple of Tensor
            The arguments of :meth:`distribution`.
        """
        return raw

    def distribution(self, *parameters: Any, **named: Any) -> Distribution:
        """Return the distribution with the given parameters.

        Parameters
        ----------
        *parameters : Tensor
            The result of :meth:`parameters`.

        Returns
        -------
        Distribution
        """
        return self.distribution_type(*parameters)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the :meth:`parameters`, in their order; the distribution's options may follow."""
        return tuple(inspect.signature(self.distribution_type).parameters)

    @property
    def noise(self) -> Structure:
        """The noise that a draw takes, a :class:`gluonvae.noise.NoiseSpec` or a named tuple of them."""
        return self.distribution_type.noise(self.size)

    @property
    def takes_missing(self) -> bool:
        """Whether values of a vector may be missing: its density is a product, of which the others have their part."""
        return self.distribution_type.component_log_prob is not Distribution.component_log_prob

    @property
    def floats_per_sample(self) -> int:
        """Size of the largest tensor, in numbers, that drawing or scoring one value takes."""
        return total_size(self.noise)

    def set_feature_size(self, size: int) -> None:
        """Set the number of features that the heads are computed from.

        Parameters
        ----------
        size : int
            The number; 0 where it is not known yet.
        """

    def bind(self, model: Model) -> None:
        """Become part of a model.

        Parameters
        ----------
        model : gluonvae.VAE
            The model, with all its parts.

        Raises
        ------
        ValueError
            If another part does not fit.
        """

    @property
    def needs_adapting(self) -> bool:
        """Whether there are constants to be taken from the training data, and they are not set yet."""
        return False

    def adapt(self, blocks: Iterable[np.ndarray]) -> None:
        """Set the constants that are taken from the training data; there are none, except in some families.

        Parameters
        ----------
        blocks : iterable of numpy.ndarray
            Rows of the data, ``(n, X)`` each, float64. It can be iterated over several times.
        """


def signature_with(kind: type, inner: Optional[type], hidden: Sequence[str] = ()) -> inspect.Signature:
    """Return the signature of a constructor that passes its ``**options`` on to another class.

    Parameters
    ----------
    kind : type
        The class whose signature it is.
    inner : type, optional
        The class that takes the options, after its first argument.
    hidden : sequence of str
        Arguments of ``inner`` that a user does not pass.

    Returns
    -------
    inspect.Signature
        The options replaced by the keyword arguments of ``inner``.
    """
    own = [of for name, of in inspect.signature(kind.__init__).parameters.items() if name != "self"]  # type: ignore[misc]
    if inner is not None and own and own[-1].kind is inspect.Parameter.VAR_KEYWORD:
        taken = {*hidden, *(of.name for of in own)}
        _, *options = inspect.signature(inner).parameters.values()
        passed_on = [of.replace(kind=inspect.Parameter.KEYWORD_ONLY) for of in options if of.name not in taken]
        own = [*own[:-1], *passed_on]
    return inspect.Signature(own)
