"""What a run's config.json holds: written with the version of its schema, checked as a whole when it is read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, TypedDict, Union

from .._version import __version__
from ..backend.installation import conditions
from ..backend.recipes import Recipe, recipe_of
from ..batches import Data
from ..data import DataError, Dataset, Splits, Stream, all_labels, has_classes
from ..files import parse_json
from ..models import VAE, ConditionalVAE
from ..objectives import Objective
from .schema import NOT_ASKED, SCHEMA, OtherVersion, checked, upgraded


class RunError(ValueError):
    """A run's folder is missing, in the way, or not whole; says which file and what to do."""


class Part(TypedDict):
    """What is known of a part of the data: its number of images, and fingerprints of them and of their split."""

    images: int
    digest: str
    """See :meth:`gluonvae.data.Dataset.digest`."""
    split_seed: Optional[int]
    """Of the split at random that it is a part of; None where it is a file of its own."""


class Config(TypedDict):
    """What a run's config.json holds."""

    schema: int
    """Always :data:`SCHEMA`, once it is read."""
    gluonvae: str
    """The version that wrote it."""
    conditions: dict[str, Any]
    """Versions, threads and engine, see :func:`gluonvae.backend.installation.conditions`; empty if it is not known."""
    model: Optional[dict[str, Any]]
    """Arguments of :func:`gluonvae.construct_vae`; None for a model that was made in another way."""
    vae: Optional[Recipe]
    """What such a model was made with, see :mod:`gluonvae.backend.recipes`; None where ``model`` tells."""
    bound: Optional[Recipe]
    """What the bound was made with, beside its model; None if it is not known."""
    data: dict[str, Any]
    """Arguments of :func:`gluonvae.data.load`; the name is None for data that were not loaded by it."""
    parts: Optional[dict[str, Optional[Part]]]
    """What was loaded: "train", "valid" and "test", None where there is none; None if it is not known."""
    shape: Sequence[int]
    """Of an image."""
    limits: Optional[Sequence[float]]
    """The least and the largest value of a pixel; None if it is not known."""
    classes: bool
    """Whether the data has labels that are classes, and not conditions."""
    class_names: Optional[Sequence[Union[str, int]]]
    """What classes 0, 1, ... are called in the data; None where it is 0, 1, ..."""
    things: str
    """What messages call data points."""
    columns: Optional[Sequence[str]]
    """The names of the values of a data point."""
    white: Optional[float]
    """The value of full intensity of grey images; None of other data, and of zeros and ones."""
    asked: dict[str, Any]
    """The arguments of the command; empty for a training from Python."""


def config_of(splits: Sequence[Optional[Data]], **fields: Any) -> Config:
    """Return what config.json holds of a training.

    Parameters
    ----------
    splits : sequence of Dataset or Stream
        Training, validation and test set, of which the last two may be None.
    **fields
        "model", "vae", "bound", "data" and "asked".
    """
    train = splits[0]
    if train is None:
        raise ValueError("there is no training data")
    content: Any = {
        "schema": SCHEMA,
        "gluonvae": __version__,
        "conditions": conditions(),
        "parts": parts_of(splits),
        "shape": train.shape,
        "limits": _finite(train.limits),
        "classes": has_classes(all_labels(splits)),
        "class_names": None if train.class_names is None else list(train.class_names),
        "things": train.things,
        "columns": None if isinstance(train, Stream) or train.columns is None else list(train.columns),
        "white": None if isinstance(train, Stream) else train.full_intensity,
        **fields,
    }
    return content


def config_from_python(bound: Objective, train: Data, valid: Optional[Data]) -> Config:
    """Return what config.json holds of a training that :func:`gluonvae.fit` was called for."""
    model = arguments_of(bound.vae)
    binarization = train.binarization if isinstance(train, Dataset) else "none"
    loaded = {**NOT_ASKED, "name": None, "binarization": binarization}
    names = bound.vae.class_names if isinstance(train, Stream) and isinstance(bound.vae, ConditionalVAE) else None
    of_batches = {} if names is None else {"classes": True, "class_names": list(names)}
    vae = recipe_of(bound.vae) if model is None else None
    made = {"model": model, "vae": vae, "bound": recipe_of_bound(bound)}
    return config_of((train, valid, None), **made, data=loaded, asked={}, **of_batches)


def arguments_of(vae: VAE) -> Optional[dict[str, Any]]:
    """Return the arguments of :func:`gluonvae.construct_vae` that a model was made with, as JSON has them.

    There are none of a model that it did not make, or that has a body or an activation of the user's own.
    """
    try:
        return json.loads(json.dumps(vae.made_with))
    except (TypeError, ValueError):
        return None


def recipe_of_bound(bound: Objective) -> Recipe:
    """Return what a bound was made with, beside its model."""
    recipe = dict(recipe_of(bound))
    if "arguments" in recipe:
        recipe["arguments"] = {name: value for name, value in recipe["arguments"].items() if name != "vae"}
    return recipe


def parts_of(splits: Sequence[Optional[Data]]) -> Optional[dict[str, Optional[Part]]]:
    """Return what config.json tells of the parts of the data; None where they are batches, which are read once."""
    if any(isinstance(part, Stream) for part in splits):
        return None
    return {name: part_of(part) if isinstance(part, Dataset) else None for name, part in zip(Splits._fields, splits)}


def _finite(limits: Optional[Sequence[float]]) -> Optional[list[float]]:
    return None if limits is None or not all(map(math.isfinite, limits)) else list(map(float, limits))


def part_of(part: Dataset) -> Part:
    """Return what config.json tells of a part of the data."""
    return {"images": len(part), "digest": part.digest(), "split_seed": part.split_seed}


def difference(config: Config, name: str, data: Dataset) -> Optional[str]:
    """Compare data with those of a run.

    Parameters
    ----------
    config : Config
        Of the run.
    name : str
        "train", "valid" or "test".
    data : Dataset
        What is there now.

    Returns
    -------
    str or None
        What differs, as "it has 101 test images, the run had 100"; None where nothing does, or the run does not say.
    """
    then, now = (config["parts"] or {}).get(name), part_of(data)
    if then is None:
        return None
    if now["images"] != then["images"]:
        return f"it has {now['images']} {name} {data.things}, the run had {then['images']}"
    if now["digest"] != then["digest"]:
        return (
            f"its {now['images']} {name} {data.things} or their labels are others or in another order "
            f"(digest {now['digest'][:12]}, the run's {then['digest'][:12]})"
        )
    return None


def check_same_data(config: Config, splits: Splits) -> None:
    """Raise DataError where data are not those that a training began with."""
    for name, part in zip(splits._fields, splits):
        changed = difference(config, name, part)
        if changed:
            raise DataError(f"the data have changed since the training began: {changed}")


def changed_conditions(config: Config) -> str:
    """Return what is other here than where a run was started: "threads 2, now 1"; empty if nothing is."""
    then, now = _flat(config["conditions"]), _flat(conditions())
    return ", ".join(
        f"{name} {then[name]}, now {now[name]}" for name in then if now.get(name, then[name]) != then[name]
    )


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    inner = {key: value for part in content.values() if isinstance(part, dict) for key, value in part.items()}
    return {**inner, **{key: value for key, value in content.items() if not isinstance(value, dict)}}


def read_config(path: Path) -> Config:
    """Read a run's config.json.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Config
        What it holds, of whatever version, as of :data:`SCHEMA`.

    Raises
    ------
    RunError
        If it is missing or broken, or was written by a version that cannot be read.
    """
    if not os.path.lexists(path):
        raise RunError(f"{path.parent} is not the folder of a run: it has no {path.name}")
    if not path.is_file():
        raise RunError(f"{path} is not a file: restore it from a copy, or train again")
    try:
        return checked(upgraded(parse_json(path.read_text(encoding="utf-8"))))
    except OtherVersion as error:
        raise RunError(f"{path} {error}") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is broken: {error}; restore it from a copy, or train again") from error
