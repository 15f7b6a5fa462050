"""``gluonvae train --from RUN``: a training that starts from the model of another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from .. import data
from ..data import NAMES
from ..data.own import OPTIONS, granted
from ..models import VAE
from ..training.config import Config, RunError
from ..training.overview import standing
from ..training.preparing import check_columns
from ..training.run import CONFIG, load_run
from ..training.schema import DATA
from . import arguments
from .effects import check_effects
from .former import as_today
from .results import remark
from .sources import whole_name

OF_BOUND = ("bound", "bound_options", "samples", "beta")
"""What is taken of the run unless another bound is asked for."""


class Source(NamedTuple):
    """The run that a training starts from."""

    folder: Path
    config: Config
    vae: VAE


def start_from(asked: argparse.Namespace, ctx: Any) -> tuple[argparse.Namespace, Source]:
    """Complete what was asked by the model, the bound and the reading of the data of the run to start from.

    Parameters
    ----------
    asked : argparse.Namespace
        The arguments of the command.
    ctx : Context
        The device of the model.

    Returns
    -------
    argparse.Namespace
        The arguments of the training.
    Source
        The run.

    Raises
    ------
    ValueError
        For options of a model, and others that have no effect.
    gluonvae.training.run.RunError
        If there is no such run, or it is not whole.
    """
    flags = arguments.flags_of_model()
    of_model = sorted(flags[name] for name in asked.given & flags.keys())
    if of_model:
        raise ValueError(f"--from takes the model of the run as it is: leave out {of_model[0]}")
    vae, config = load_run(Path(asked.from_run), ctx)
    source = Source(Path(asked.from_run), config, vae)
    before = _before(source)
    taken = {name: before[name] for name in OF_BOUND if name in before and "bound" not in asked.given}
    if "beta" in asked.anneal:
        taken.pop("beta", None)
    taken.update(_of_data(asked, config))
    taken = {name: value for name, value in taken.items() if name not in asked.given}
    started = argparse.Namespace(
        **{**vars(asked), **_of_model(config), **taken, "from_run": whole_name(asked.from_run)}
    )
    check_effects(started, asked.given)
    _tell(started, source)
    return started, source


def _before(source: Source) -> dict[str, Any]:
    """What was asked of the run, checked as it is where a run is resumed; nothing of one from Python."""
    before = as_today(source.config["asked"])
    try:
        parsed = vars(arguments.parsed(arguments.train, {**before, "data": "digits", "data_dir": None}))
    except ValueError as error:
        raise RunError(f"{source.folder / CONFIG} is broken: {error}") from error
    return {name: parsed[name] for name in before}


def _of_model(config: Config) -> dict[str, Any]:
    """What the model's options would have been."""
    if config["model"] is None:
        raise RunError(
            "--from takes a run whose model construct_vae made: go on from this one in Python, gluonvae.load"
        )
    model: dict[str, Any] = dict(config["model"])
    conditional = bool(model["label_size"]) and model["classifier_layer_sizes"] is None
    names = arguments.flags_of_model().keys() & model.keys()
    return {
        **{name: model[name] for name in names},
        "posterior": model["latent_type"],
        "likelihood_options": model["likelihood_options"] or {},
        "conditional": conditional,
    }


def _of_data(asked: argparse.Namespace, config: Config) -> dict[str, Any]:
    """How the run's data were read, as far as that has an effect on the data of the training."""
    then = {("data_dir" if name == "folder" else name): config["data"][name] for name in DATA if name != "name"}
    if "data" not in asked.given:
        if config["data"]["name"] is None:
            raise data.DataError("the run was trained from Python: name the data to train on with --data")
        return {**then, "data": config["data"]["name"]}
    own = OPTIONS.keys() & granted(Path(asked.data)) if asked.data not in NAMES else set()
    return {name: then[name] for name in (*own, "binarization")}


def _tell(started: argparse.Namespace, source: Source) -> None:
    """Say what was taken."""
    epochs = standing(source.folder).epochs
    learnt = f"{epochs} epoch{'s' * (epochs != 1)}"
    parts = f"likelihood {started.likelihood}, posterior {started.posterior}, prior {started.prior}"
    of_data = "".join(
        f", {flag} {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, flag in OPTIONS.items()
        if name not in started.given and (value := getattr(started, name)) not in (None, False, [])
    )
    remark(
        started,
        f"from {source.folder}: the model ({parts}) with what it learnt in {learnt}; bound {started.bound}{of_data}",
    )


def check_fits(source: Source, splits: data.Splits) -> None:
    """Refuse data that the model of a run is not for.

    Parameters
    ----------
    source : Source
        The run.
    splits : Splits
        The data.

    Raises
    ------
    DataError
        With what the run's data were like, and these are.
    """
    train, config = splits.train, source.config
    wanted, given = tuple(config["shape"]), tuple(train.shape)
    if train.width != source.vae.data_dims or (len(wanted) > 1 and len(given) > 1 and wanted != given):
        raise data.DataError(
            f"the model of {source.folder} is for {config['things']} of shape {wanted}, got {train.things} of shape "
            f"{given}"
        )
    check_columns(config, train)
    if source.vae.label_size and data.all_labels(splits) is None:
        raise data.DataError(f"the model of {source.folder} takes labels, and the data, or one of its parts, has none")


def config_from(source: Source, config: Config) -> Config:
    """Return the configuration of a new run, whose model, and so its classes, are those of another."""
    of = source.config
    return {**config, "model": of["model"], "classes": of["classes"], "class_names": of["class_names"]}
