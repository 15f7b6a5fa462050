"""A model in one file, without a run: what it was made with, and its parameters.

The file is of the form of a checkpoint, an ``.npz`` file of NumPy's with a digest of its content, see
:mod:`gluonvae.training.checkpoint`. No code is in it, and none is run when it is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from .. import checks
from .._version import __version__
from ..backend.operators import BFLOAT16, as_numpy
from ..backend.recipes import recipe_of
from ..backend.runtime import mx
from ..backend.types import Context, DType
from ..models import VAE, ConditionalVAE
from ..networks.blocks import names, not_finite
from .checkpoint import Checkpoint, CheckpointError, read, write
from .config import RunError, arguments_of
from .parameters import move
from .remaking import check_known, make_model
from .serialization import PARAMETERS

FORM = 1
"""The version of what is written."""

DTYPES: dict[str, DType] = {"float32": "float32", "float64": "float64", "float16": "float16", "bfloat16": BFLOAT16}


def save(vae: VAE, filename: Union[str, Path]) -> None:
    """Write a model to a file, from which :func:`gluonvae.load` brings it back, on any device.

    The file has what the model was made with, its parameters and constants, and the names of its classes; blocks and
    functions of your own are not in it, see :func:`gluonvae.load`. ``vae.save(filename)`` is this function.

    Parameters
    ----------
    vae : VAE
        The model, whose parameters are initialised.
    filename : str or Path
        An existing file is replaced, once the new one is whole.

    Raises
    ------
    RuntimeError
        If a parameter is not initialised.
    OSError
        If the file cannot be written; an existing one is as it was.
    """
    state = {
        "form": FORM,
        "gluonvae": __version__,
        "model": arguments_of(vae) or recipe_of(vae),
        "dtype": next(name for name, of in DTYPES.items() if np.dtype(of) == np.dtype(vae.dtype)),
        "class_names": None,
        "classes_are_numbers": False,
    }
    if isinstance(vae, ConditionalVAE):
        state["class_names"] = None if vae.class_names is None else list(vae.class_names)
        state["classes_are_numbers"] = vae.classes_are_numbers
    parameters = vae._collect_params_with_prefix()
    arrays = {f"{PARAMETERS}{name}": as_numpy(of.data()) for name, of in parameters.items()}
    write(Path(filename), Checkpoint(state, arrays))


def load_model(path: Path, ctx: Context, vae: Optional[VAE] = None) -> VAE:
    """Load a model from a file that :func:`save` wrote.

    Parameters
    ----------
    path : Path
        The file.
    ctx : Context
        The device of the parameters.
    vae : VAE, optional
        The model to load them into, where it has parts of the user's own.

    Raises
    ------
    RunError
        If the file is none, damaged or of a newer version, or is of another model than ``vae``.
    """
    try:
        state, arrays = read(path)
    except CheckpointError as error:
        raise RunError(
            f"{path} is no model that vae.save wrote, or is damaged: {error.__cause__}; parameters alone, as "
            "save_parameters writes them, are loaded by vae.load_parameters"
        ) from error
    if state.get("form") != FORM:
        raise RunError(
            f"{path} was written by gluonvae {state.get('gluonvae', 'of an unknown version')}, and this is "
            f"{__version__}: use that version, or a newer one"
        )
    if vae is None:
        check_known(path, state["model"])
        vae = make_model(path, state["model"])
    move(vae, ctx, DTYPES[checks.known_name("dtype", state["dtype"], DTYPES)])
    _set(vae, {name[len(PARAMETERS) :]: values for name, values in arrays.items()}, path, ctx)
    if isinstance(vae, ConditionalVAE):
        vae.class_names = None if state["class_names"] is None else tuple(state["class_names"])
        vae.classes_are_numbers = state["classes_are_numbers"]
    if broken := not_finite(vae):
        raise RunError(f"{path} holds NaN or infinity in {names(broken)}: train the model again")
    return vae


def _set(vae: VAE, arrays: dict[str, np.ndarray], path: Path, ctx: Context) -> None:
    parameters: dict[str, Any] = vae._collect_params_with_prefix()
    others = sorted(parameters.keys() ^ arrays.keys())
    if others:
        where = "file" if others[0] in parameters else "model"
        raise RunError(f"{path} is of another model: {others[0]} is not in the {where}")
    for name, values in arrays.items():
        try:
            parameters[name]._load_init(mx.nd.array(values, mx.cpu(), values.dtype), ctx, cast_dtype=True)
        except AssertionError as error:
            raise RunError(f"{path} is of another model: {error}") from error


# declared by VAE, which cannot import what writes it
VAE.save = save
