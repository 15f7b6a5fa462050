"""Numbers that the command prints."""

from __future__ import annotations

import argparse
import math
from typing import Union

import numpy as np


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
