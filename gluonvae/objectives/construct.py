"""A bound by its name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Optional

from ..models import VAE
from .base import BOUNDS, Objective


def construct_bound(
    name: str, vae: VAE, dataset_size: int, options: Optional[Mapping[str, Any]] = None, **arguments: Any
) -> Objective:
    """Make a bound over a model.

    Parameters
    ----------
    name : str
        One of :data:`gluonvae.objectives.BOUNDS`, in any spelling.
    vae : VAE
        The model.
    dataset_size : int
        How many training data there are, for bounds that take it.
    options : mapping, optional
        Arguments of its class that the user chose.
    **arguments
        Arguments that the caller sets.

    Raises
    ------
    ValueError, TypeError
        As :meth:`gluonvae.registry.Registry.make`.
    """
    kind = BOUNDS.get(name, Objective)  # what there is not is told of below
    if "dataset_size" in inspect.signature(kind).parameters:
        arguments["dataset_size"] = dataset_size
    bound: Objective = BOUNDS.make(name, options, vae=vae, **arguments)
    return bound
