"""Models: a generator, an inference network and a prior put together."""

from .coding import Decoder, Encoder
from .conditional import ConditionalVAE
from .construct import construct_vae
from .gaussian import GaussianVAE, diagonal_gaussian_kl
from .semi_supervised import SemiSupervisedVAE
from .vae import VAE

__all__ = [
    "VAE",
    "ConditionalVAE",
    "Decoder",
    "Encoder",
    "GaussianVAE",
    "SemiSupervisedVAE",
    "construct_vae",
    "diagonal_gaussian_kl",
]
