"""A variational autoencoder: a generator, an inference network and a prior."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Callable, ClassVar, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.pieces import Part, blocks, in_pieces, rows_that_fit
from ..backend.processes import one_thread_at_a_time
from ..backend.structures import leaves, map_structure, split
from ..backend.types import DType, Label, Operators, Structure, Tensor
from ..distributions import Distribution, has_closed_form_kl, kl_divergence, rsample_and_kl
from ..generator import Generator
from ..inference import InferenceNetwork
from ..moments import RowBlocks
from ..prior import Prior, StandardNormalPrior
from .latent_states import LatentStates

IMAGE_ARRAYS = 4
"""How many times the memory of its parameters the mean or a draw of a likelihood may take, as that of discretised
logistics."""


class VAE(LatentStates):
    """A generator p(x | z), an inference network q(z | x) and a prior p(z), of any kinds.

    Parameters
    ----------
    generator : Generator
        p(x | z).
    inference_net : InferenceNetwork
        q(z | x).
    prior : Prior, optional
        p(z); a standard normal where left out.

    Raises
    ------
    ValueError
        If the parts do not fit together.
    TypeError
        If one of them is none of these.

    Examples
    --------
    >>> vae = gluonvae.VAE(
    ...     gluonvae.ProductOfBernoullisGenerator(784, [200, 500]),
    ...     gluonvae.GaussianInferenceNetwork(100, [500, 200]),
    ... )
    >>> vae.initialize()
    >>> log_likelihood, kl = vae(data)
    """

    made_with: Optional[dict[str, Any]] = None
    """The arguments of :func:`gluonvae.construct_vae`, if it made the model."""
    impute: Callable[..., Any]
    """Impute missing values, see :func:`gluonvae.impute`, which is this method."""
    fixed: ClassVar[tuple[str, ...]] = ("generator", "inference_net", "prior", "label_size")

    def __init__(self, generator: Generator, inference_net: InferenceNetwork, prior: Optional[Prior] = None) -> None:
        super().__init__()
        self._assemble(generator, inference_net, prior)

    def _assemble(self, generator: Generator, inference_net: InferenceNetwork, prior: Optional[Prior]) -> None:
        """Bind the parts to each other."""
        prior = StandardNormalPrior() if prior is None else prior
        for name, part, wanted in (
            ("generator", generator, Generator),
            ("inference_net", inference_net, InferenceNetwork),
            ("prior", prior, Prior),
        ):
            if not isinstance(part, wanted):
                article = "an" if wanted is InferenceNetwork else "a"
                raise TypeError(f"{name} must be {article} {wanted.__name__}, got {type(part).__name__}")
        self.generator = generator
        self.inference_net = inference_net
        self.prior = prior
        for part in (inference_net, prior, generator):
            part.bind(self)

    def cast(self, dtype: DType) -> None:
        """Compute in another dtype, see :meth:`gluonvae.networks.ModelBlock.cast`: all parts, or none."""
        for part in (self.generator, self.inference_net, self.prior):
            part.check_bfloat16(dtype)
        super().cast(dtype)

    @property
    def data_dims(self) -> int:
        """X, the number of values in a data point."""
        return self.generator.data_dims

    @property
    def latent_variable_size(self) -> int:
        """D, the number of latent variables."""
        return self.inference_net.latent_variable_size

    @cached_property
    def floats_per_sample(self) -> int:
        """Length of the longest tensor that one latent state takes, which tells how many fit into memory."""
        return max(part.floats_per_sample for part in (self.generator, self.inference_net, self.prior))

    @property
    def floats_per_row(self) -> int:
        """Length of the longest tensor that one data point takes, encoded once and with one latent state."""
        return max(self.floats_per_sample, self.inference_net.floats_per_row)

    @property
    def has_importance_weights(self) -> bool:
        """Whether there are weights p(x, z) / q(z | x), of which the likelihood can be estimated."""
        return not self.inference_net.deterministic

    @property
    def kl_is_replaced(self) -> bool:
        """Whether the model has a KL divergence of its own in the place of KL(q(z | x) || p(z))."""
        return False

    @property
    def needs_adapting(self) -> bool:
        """Whether there are constants to be taken from the training data, and :meth:`adapt` did not set them yet."""
        return self.generator.needs_adapting

    def adapt(self, data: Any) -> None:
        """Set the constants that the model takes from its training data: its likelihood's, see there.

        :func:`gluonvae.fit` does so before its first step. Call it once before a training loop of your own, after
        the parameters are initialised.

        Parameters
        ----------
        data : Dataset or array
            The training data, ``(N, X)``. They are read in blocks, several times.

        Raises
        ------
        ValueError
            For data of another shape, or values outside the likelihood's support.
        RuntimeError
            If the parameters are not initialised.
        """
        self.context  # noqa: B018  Gluon's error, where the parameters are not initialised
        blocks = data.blocks() if hasattr(data, "blocks") else self._checked_blocks(as_numpy(data))
        width = next(iter(blocks)).shape[1]
        if width != self.data_dims:
            raise ValueError(f"data must have shape (N, {self.data_dims}), got rows of {width} values")
        self.generator.adapt(blocks)

    def _checked_blocks(self, data: np.ndarray) -> RowBlocks:
        if data.ndim < 2 or not data.size:
            raise ValueError(f"data must have shape (N, {self.data_dims}), got {data.shape}")
        self.generator.check_support("data", data)
        rows = data.reshape(len(data), -1)
        return RowBlocks(lambda part: rows[part], (len(rows), rows.shape[1]))

    @one_thread_at_a_time(lambda vae: vae)
    def __call__(
        self, data: Tensor, noise: Optional[Structure] = None, label: Optional[Label] = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the two terms of the evidence lower bound.

        Parameters
        ----------
        data : NDArray
            ``(B, X)``.
        noise : NDArray, optional
            The noise of the posterior, ``(B, size)``, or ``(k, B, size)`` for k latent states a data point; see
            ``vae.inference_net.noise``. Drawn where left out, for one.
        label : optional
            The labels, in a model that takes them, see :class:`gluonvae.ConditionalVAE`.

        Returns
        -------
        log_likelihood : NDArray
            log p(x | z) in nats, ``(B,)`` or ``(k, B)``.
        kl : NDArray
            KL(q(z | x) || p(z)) in nats: ``(B,)`` where it has a closed form, else log q(z | x) - log p(z), an
            estimate for each latent state, ``(B,)`` or ``(k, B)``.
        """
        data, noise, labels = self.validated(data, noise, label, self.inference_net.noise)
        # Gluon's own takes no argument by name
        log_likelihood, kl = super().__call__(data, noise, *labels)
        return log_likelihood, kl

    def forward(self, data: Tensor, noise: Structure, *label: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(data, *leaves(noise), *label)

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise, label = split(self.inference_net.noise, inputs)
        return self.two_terms(data, noise, *label)

    def two_terms(self, data: Tensor, noise: Structure, *label: Tensor) -> tuple[Tensor, Tensor]:
        """Compute what :meth:`__call__` returns, of NDArrays or Symbols."""
        q, p = self.posterior(data, *label), self.prior_distribution(data, *label)
        z, kl = self.rsample_and_kl(q, p, noise)
        return self.likelihood(z, *label).log_prob(data), kl

    def prior_distribution(self, like: Tensor, *label: Tensor) -> Distribution:
        """Return p(z), for a computation with the tensor ``like``."""
        return self.prior.distribution(like)

    def likelihood(self, latent_state: Tensor, *label: Tensor) -> Distribution:
        """Return p(x | z) for latent states ``(..., D)``."""
        return self.generator.likelihood(self.prior.generator_latent(latent_state), *label)

    def analytic_kl(self, q: Distribution, p: Distribution) -> Optional[Tensor]:
        """Return KL(q || p) in nats, ``(B,)``, where it has a closed form; else None."""
        return kl_divergence(q, p) if has_closed_form_kl(type(q), type(p)) else None

    def rsample_and_kl(self, q: Distribution, p: Distribution, noise: Structure) -> tuple[Tensor, Tensor]:
        """Draw from q, and return KL(q || p) in nats: in closed form, ``(B,)``, or else an estimate for each draw."""
        return rsample_and_kl(q, p, noise)

    def kl(self, q: Distribution, p: Distribution, latent_state: Tensor, log_q: Tensor) -> Tensor:
        """Return KL(q || p) in nats: in closed form, ``(B,)``, or else log q(z) - log p(z), an estimate for each draw.

        Parameters
        ----------
        q, p : Distribution
        latent_state, log_q : Tensor
            A draw z from q, and its log density.
        """
        closed = self.analytic_kl(q, p)
        return log_q - p.log_prob(latent_state) if closed is None else closed

    @one_thread_at_a_time(lambda vae: vae)
    def generate_reconstructions(
        self,
        data: Tensor,
        n: int,
        image: str = "sample",
        noise: Optional[Structure] = None,
        label: Optional[Label] = None,
    ) -> Tensor:
        """Reconstruct each data point n times, each from a latent state of its own drawn from q(z | x).

        Parameters
        ----------
        data : NDArray
            ``(B, X)``.
        n : int
            Number of reconstructions.
        image : {"sample", "mean", "mode"}
            A draw from p(x | z), its mean or its mode.
        noise : NDArray, optional
            The noise of the posterior, ``(n, B, size)``; drawn where left out.
        label : optional
            See :meth:`__call__`.

        Returns
        -------
        NDArray
            ``(n, B, X)``.
        """
        n, spec = checks.positive_int("n", n), self.inference_net.noise
        self.generator.check_data(data)
        noise = self.drawn_or_checked(noise, spec, (n, len(data)))
        data, noise, labels = self.validated(data, noise, label, spec)
        leading = (n, len(data))

        def latent_states(part: Part) -> Tensor:
            inputs = (tensor[part[1]] for tensor in (data, *labels))
            return self.posterior(*inputs).rsample(_part_of(noise, part))

        def images(part: Part) -> Tensor:
            of_data, *of_labels = (tensor[part[1]] for tensor in (data, *labels))
            return image_of(self.likelihood(latent_state[part], *of_labels).given(of_data), image)

        # all latent states of a data point after each other, so that it is encoded once
        by_data = blocks(leading[::-1], rows_that_fit(self.inference_net.floats_per_row))
        latent_state = in_pieces(latent_states, leading, [part[::-1] for part in by_data])
        return in_pieces(images, leading, self._images_that_fit(leading))

    @one_thread_at_a_time(lambda vae: vae)
    def phantasize(
        self, n: int, image: str = "sample", noise: Optional[Structure] = None, label: Optional[Label] = None
    ) -> Tensor:
        """Generate n images from latent states drawn from the prior, on the device of the parameters.

        Parameters
        ----------
        n : int
            Number of images.
        image : {"sample", "mean", "mode"}
            A draw from p(x | z), its mean or its mode.
        noise : NDArray or named tuple of NDArray, optional
            The noise of the prior, ``(n, size)``, see ``vae.prior.noise``: under a standard normal prior the
            latent states. Drawn where left out.
        label : optional
            What the images are to be of: a label for each as :meth:`__call__` takes it, or one for all.

        Returns
        -------
        NDArray
            ``(n, X)``.
        """
        leading = (checks.positive_int("n", n),)
        labels = self.encode_label(label, n)
        noise = self.drawn_or_checked(noise, self.prior.noise, leading)
        like = leaves(noise)[0]
        # one for all, unless it looks at labels
        p = None if self.prior.needs_label else self.prior_distribution(like, *labels)

        def latent_states(part: Part) -> Tensor:
            of_part = self.prior_distribution(like, *_part_of(labels, part)) if p is None else p
            return of_part.sample(_part_of(noise, part))

        def images(part: Part) -> Tensor:
            return image_of(self.likelihood(latent_state[part], *_part_of(labels, part)), image)

        latent_state = in_pieces(latent_states, leading, blocks(leading, rows_that_fit(self.prior.floats_per_sample)))
        return in_pieces(images, leading, self._images_that_fit(leading))

    def _images_that_fit(self, leading: Sequence[int]) -> list[Part]:
        """Parts of images ``(*leading, X)``, whose noise is drawn in the order of all."""
        return blocks(leading, rows_that_fit(IMAGE_ARRAYS * self.generator.floats_per_sample))


def _part_of(tensors: Structure, part: Part) -> Structure:
    return map_structure(lambda tensor: tensor[part], tensors)


def image_of(likelihood: Distribution, image: str) -> Tensor:
    """Return a draw from p(x | z), its mean or its mode."""
    kinds: dict[str, Callable[[Distribution], Tensor]] = {
        "sample": lambda p: p.sample(),
        "mean": lambda p: p.mean,
        "mode": lambda p: p.mode,
    }
    return kinds[checks.known_name("image", image, kinds)](likelihood)
