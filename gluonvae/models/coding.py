"""Encoder and decoder of a model as blocks of their own, which can be hybridised."""

from __future__ import annotations

from typing import Optional

from .. import checks
from ..backend.operators import as_numpy, is_symbol
from ..backend.structures import leaves, split
from ..backend.types import Label, Operators, Structure, Tensor
from ..networks import GraphOver
from .semi_supervised import SemiSupervisedVAE
from .vae import VAE, image_of

MEAN_SAMPLES = 1000
"""Of how many draws the mean of a posterior without a closed form is estimated."""


class Encoder(GraphOver):
    """The latent states of data under a model, as a block: means of q(z | x), or draws from it.

    It has the parameters of the model, is hybridised without it, and leaves it as it is. Its inputs are the data, the
    noise where draws or an estimate of the mean are made of it (see :attr:`takes_noise`), and the label in a model
    that takes one. Where a :class:`gluonvae.SemiSupervisedVAE` has no label, it is that of q(z | x) over all classes.

    Parameters
    ----------
    vae : VAE
        The model.
    draws : bool
        Whether latent states are drawn; else their means are computed.

    Examples
    --------
    >>> encoder = gluonvae.Encoder(vae)
    >>> encoder.hybridize()
    >>> mean = encoder(data)
    """

    def __init__(self, vae: VAE, draws: bool = False) -> None:
        super().__init__()
        self.vae = vae
        self.draws = checks.boolean("draws", draws)

    @property
    def takes_noise(self) -> bool:
        """Whether noise is an input: of draws, and of means that are estimated as there is no closed form."""
        return self.draws or not self.vae.posterior_has_mean

    @property
    def noise(self) -> Structure:
        """The noise of a draw, a NoiseSpec or a named tuple of them."""
        return self.vae.posterior_noise

    def __call__(self, data: Tensor, noise: Optional[Structure] = None, label: Optional[Label] = None) -> Tensor:
        """Compute latent states.

        Parameters
        ----------
        data : NDArray
            ``(B, X)``.
        noise : NDArray or named tuple of NDArray, optional
            Of draws, ``(B, size)``, or ``(k, B, size)`` for k draws of each; left out, one is drawn. Of an estimated
            mean ``(K, B, size)``; left out, it is drawn for K = 1000. Not taken where the mean has a closed form.
        label : optional
            The labels, in a model that takes them, see :class:`gluonvae.ConditionalVAE`.

        Returns
        -------
        NDArray
            ``(B, D)``, or draws ``(k, B, D)``.
        """
        vae = self.vae
        if not self.takes_noise:
            if noise is not None:
                raise TypeError(f"the mean of {type(vae.inference_net).__name__} takes no noise: it has a closed form")
            if is_symbol(data):
                return super().__call__(data, *vae.encode_label(label, 0))
            vae.generator.check_data(data)
            return super().__call__(data, *vae.encode_label(label, len(data)))
        if noise is None and not (self.draws or is_symbol(data)):
            noise = vae.draw_noise(self.noise, len(data), MEAN_SAMPLES)
        data, noise, labels = vae.validated(data, noise, label, self.noise)
        return super().__call__(data, noise, *labels)

    def computed(self, data: Tensor, noise: Structure, label: Optional[Tensor]) -> Tensor:
        """Compute latent states of inputs that were checked, of which there may be noise that is not taken."""
        return super().__call__(data, *((noise,) if self.takes_noise else ()), *(() if label is None else (label,)))

    def forward(self, data: Tensor, *inputs: Structure) -> Tensor:
        return super().forward(data, *leaves(inputs))

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> Tensor:
        if not self.takes_noise:
            return F.identity(self.vae.posterior_mean(data, *inputs))
        noise, label = split(self.noise, inputs)
        if self.draws:
            return F.identity(self.vae.posterior_sample(data, noise, *label))
        return self.vae.posterior_mean(data, *label, noise=noise)


class Decoder(GraphOver):
    """The data of latent states under a model, as a block: the mean of p(x | z), or its mode.

    It has the parameters of the model, is hybridised without it, and leaves it as it is.

    Parameters
    ----------
    vae : VAE
        The model.
    image : {"mean", "mode"}
        What of p(x | z).

    Examples
    --------
    >>> decoder = gluonvae.Decoder(vae)
    >>> decoder.hybridize()
    >>> images = decoder(encoder(data))
    """

    def __init__(self, vae: VAE, image: str = "mean") -> None:
        super().__init__()
        self.vae = vae
        self.image = checks.known_name("image", image, ("mean", "mode"))

    def __call__(self, latent_state: Tensor, label: Optional[Label] = None) -> Tensor:
        """Compute the data of latent states.

        Parameters
        ----------
        latent_state : NDArray
            ``(B, D)``, or ``(k, B, D)``.
        label : optional
            The labels of B, in a model that takes them; also a :class:`gluonvae.SemiSupervisedVAE` needs them here.

        Returns
        -------
        NDArray
            ``(B, X)``, or ``(k, B, X)``.
        """
        return super().__call__(latent_state, *latent_labels(self.vae, latent_state, label))

    def hybrid_forward(self, F: Operators, latent_state: Tensor, *label: Tensor) -> Tensor:
        return F.identity(image_of(self.vae.likelihood(latent_state, *label), self.image))


def latent_labels(vae: VAE, latent_state: Tensor, label: Optional[Label]) -> tuple[Tensor, ...]:
    """Check latent states, ``(B, D)`` or ``(k, B, D)``, and return their labels as inputs of the graph.

    Raises
    ------
    ValueError, TypeError
        For another shape or dtype, and for a label that is missing or not taken.
    """
    if label is None and vae.label_size:
        raise TypeError(
            f"label is missing: which of the {vae.label_size} classes, or what condition, are the latent states to be "
            "decoded as? vae.classify(data) of a SemiSupervisedVAE tells the probable class"
        )
    if is_symbol(latent_state):
        return vae.encode_label(label, 0)
    checks.tensor("latent_state", latent_state, (..., "B", vae.latent_variable_size), vae.dtype)
    labels = vae.encode_label(label, latent_state.shape[-2])
    if isinstance(vae, SemiSupervisedVAE) and not as_numpy(labels[0]).any(axis=-1).all():
        raise ValueError("labels of latent states must be known, and some are missing: vae.classify(data) tells them")
    return labels
