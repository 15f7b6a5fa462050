"""Models and bounds made again of what is known of them, and what is said where that is not enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Optional

from ..backend.recipes import make, owned
from ..models import VAE, construct_vae
from ..objectives import Objective
from .config import RunError


def check_known(path: Path, made_with: Any) -> None:
    """Raise RunError where a model has parts that only the user can make, with what is to be passed."""
    own = list(dict.fromkeys(owned(made_with)))
    if own or not made_with:
        of = f"has parts of your own ({', '.join(own)})" if own else "construct_vae did not make"
        raise RunError(
            f"{path} is of a model that {of}: make it as it was made for the training, and pass it, "
            f"gluonvae.load({str(path)!r}, vae=vae)"
        )


def make_model(path: Path, made_with: Any) -> VAE:
    """Make a model of the arguments of ``construct_vae``, or a recipe, that a file holds.

    Raises
    ------
    RunError
        If there is no such model.
    """
    try:
        vae = make(made_with) if "class" in made_with else construct_vae(**made_with)
        if not isinstance(vae, VAE):
            raise TypeError(f"{type(vae).__name__} is no model")
    except Exception as error:  # whatever the classes make of options that were changed
        raise RunError(f"{path} is broken: there is no such model: {type(error).__name__}: {error}") from error
    return vae


def make_bound(path: Path, recipe: Any, vae: VAE, own: Optional[Callable[[VAE], Objective]]) -> Objective:
    """Make the bound of a run.

    Parameters
    ----------
    path : Path
        The run's folder.
    recipe : mapping, optional
        What the bound was made with, beside its model; None if that is not known.
    vae : VAE
        The model.
    own : callable, optional
        Makes the bound of the model.

    Raises
    ------
    RunError
        If it is the user's own, or not known, and there is no ``own``.
    """
    if own is not None:
        return own(vae)
    names = list(owned(recipe))
    if names or recipe is None:
        of = f"trained with a bound of your own ({names[0]})" if names else "of a version that did not note its bound"
        maker = names[0] if names else "gluonvae.ELBO"
        raise RunError(
            f"{path} is {of}: pass what makes it of the model, such as its class, "
            f"gluonvae.load({str(path)!r}, bound={maker})"
        )
    try:
        return make({**recipe, "arguments": {**recipe["arguments"], "vae": vae}})
    except Exception as error:  # whatever the classes make of arguments that were changed
        raise RunError(f"{path} is broken: there is no such bound: {type(error).__name__}: {error}") from error
