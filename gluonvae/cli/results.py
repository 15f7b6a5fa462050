"""Numbers that the command prints."""

from __future__ import annotations

import argparse
import math
from typing import Optional, Union

import numpy as np

from ..generator.support import LEVELS
from ..models import VAE


def checked_result(name: str, values: Union[float, np.ndarray]) -> None:
    """Check that a result is finite.

    Parameters
    ----------
    name : str
        What it is.
    values : float or numpy.ndarray
        The result.

    Raises
    ------
    FloatingPointError
        If it is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise FloatingPointError(
            f"{name} is not a finite number: the parameters are too large, or the data far from what the model was "
            "trained on"
        )


def remark(asked: argparse.Namespace, text: str) -> None:
    """Print a line, unless the command is to be quiet."""
    if not asked.quiet:
        print(text)


def in_words(standard_error: float) -> str:
    """Return a standard error with two decimals; "unknown" for that of a single image."""
    return f"{standard_error:.2f}" if math.isfinite(standard_error) else "unknown"


def bits_per_dimension(vae: VAE, nats: float) -> Optional[float]:
    """Return log-probabilities in nats as bits for each value of an image; None where values are no bytes.

    Parameters
    ----------
    vae : VAE
        The model.
    nats : float
        The mean over images of the log-probability, or of a bound on it.
    """
    return -nats / (math.log(2) * vae.data_dims) if vae.generator.support is LEVELS else None


def bits_in_words(vae: VAE, nats: float) -> str:
    """Return :func:`bits_per_dimension` for a message; empty where there is none."""
    bits = bits_per_dimension(vae, nats)
    return "" if bits is None else f"{bits:.3f} bits per dimension; "
