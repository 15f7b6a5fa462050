"""Estimates that are not finite: which data point makes them so."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..backend.operators import as_numpy
from ..backend.types import Tensor
from ..models import VAE
from ..networks.blocks import names, not_finite
from ..outliers import find_outlier, row_name


def check_finite(vae: VAE, data: Tensor, first: int, terms: Mapping[str, np.ndarray]) -> None:
    """Check the terms of a batch, each ``(..., B)``.

    Parameters
    ----------
    vae : VAE
        The model that computed them.
    data : NDArray
        The batch, ``(B, X)``.
    first : int
        Where the batch begins in the data set.
    terms : mapping of str to np.ndarray
        By what messages call them.

    Raises
    ------
    FloatingPointError
        Where one is NaN or infinite, with the row of the data and, if they are at fault, the parameter or the value.
    """
    for name, values in terms.items():
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            row, value = int(wrong[0, -1]), values[tuple(wrong[0])]
            of = row_name(row, first + np.arange(len(data)))
            raise FloatingPointError(f"the {name} of {of} is {value}: {_why(vae, data, row, first)}")


def check_parameters(vae: VAE) -> None:
    """Raise FloatingPointError where a parameter has NaN or infinity, from which numbers may come that have not."""
    if broken := not_finite(vae):
        raise FloatingPointError(_of_parameters(broken))


def _of_parameters(broken: list[str]) -> str:
    return f"{names(broken)} of the model is not finite: load or train it again"


def _why(vae: VAE, data: Tensor, row: int, first: int) -> str:
    if broken := not_finite(vae):
        return _of_parameters(broken)
    values = as_numpy(data)
    outlier = find_outlier(values, np.array([row]))
    if outlier is None:
        return "nothing in it stands out, so look at the model's parameters"
    return f"{outlier.describe(first + np.arange(len(values)))}; correct or clip that value, or leave the row out"
