"""What a run's config.json holds: written with the version of its schema, checked as a whole when it is read.

A schema has the fields of its table and no others. Whoever adds one, or an argument of ``construct_vae`` or of
``data.load``, adds it to the table, raises :data:`SCHEMA` and says in ``_upgraded`` what it was before.
"""

from __future__ import annotations

import json
import math
import os
import reprlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, TypedDict

import numpy as np

from .._version import __version__
from ..backend.installation import conditions
from ..data import BINARIZATIONS, Dataset, Splits, all_labels, has_classes
from ..files import parse_json
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS
from ..objectives import Objective
from ..prior import PRIORS

SCHEMA = 2
"""The version of what is written; 1 is that of runs without one."""


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
    asked: dict[str, Any]
    """The arguments of the command; empty for a training from Python."""


def config_of(splits: Sequence[Optional[Dataset]], **fields: Any) -> Config:
    """Return what config.json holds of a training.

    Parameters
    ----------
    splits : sequence of Dataset
        Training, validation and test set, of which the last two may be None.
    **fields
        "model", "data" and "asked".
    """
    train = splits[0]
    if train is None:
        raise ValueError("there is no training data")
    values = train.possible_values()
    content: Any = {
        "schema": SCHEMA,
        "gluonvae": __version__,
        "conditions": conditions(),
        "parts": {name: part and part_of(part) for name, part in zip(Splits._fields, splits)},
        "shape": train.shape,
        "limits": [float(limit.reduce(values, axis=None)) for limit in (np.fmin, np.fmax)],  # of what is not missing
        "classes": has_classes(all_labels(splits)),
        **fields,
    }
    return content


def config_from_python(bound: Objective, train: Dataset, valid: Optional[Dataset]) -> Config:
    """Return what config.json holds of a training that :func:`gluonvae.fit` was called for."""
    try:
        model = json.loads(json.dumps(bound.vae.made_with))
    except (TypeError, ValueError):  # a body or an activation of the user's own
        model = None
    data = {"name": None, "folder": None, "binarization": train.binarization, "shape": None}
    return config_of((train, valid, None), model=model, data=data, asked={})


def part_of(data: Dataset) -> Part:
    """Return what config.json tells of a part of the data."""
    return {"images": len(data), "digest": data.digest(), "split_seed": data.split_seed}


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
        return f"it has {now['images']} {name} images, the run had {then['images']}"
    if now["digest"] != then["digest"]:
        return (
            f"its {now['images']} {name} images or their labels are others or in another order "
            f"(digest {now['digest'][:12]}, the run's {then['digest'][:12]})"
        )
    return None


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
        return _checked(_upgraded(parse_json(path.read_text(encoding="utf-8"))))
    except _OtherVersion as error:
        raise RunError(f"{path} {error}") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is broken: {error}; restore it from a copy, or train again") from error


class _OtherVersion(Exception):
    """A schema that this version cannot read."""


class _Kind(NamedTuple):
    """What a field may hold."""

    words: str
    holds: Callable[[Any], bool]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST


def _is_limits(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _name_in(names: Collection[str]) -> _Kind:
    return _Kind(f"one of {', '.join(sorted(names))}", lambda value: isinstance(value, str) and value in names)


def _or(first: _Kind, second: _Kind) -> _Kind:
    return _Kind(f"{first.words} or {second.words}", lambda value: first.holds(value) or second.holds(value))


LARGEST = 2**31 - 1
"""Of a size: MXNet has no larger axis."""

NULL = _Kind("null", lambda value: value is None)
TEXT = _Kind("a text", lambda value: isinstance(value, str))
TRUTH = _Kind("true or false", lambda value: isinstance(value, bool))
OBJECT = _Kind("an object", lambda value: isinstance(value, dict))
SIZE = _Kind(f"a whole number from 1 to {LARGEST}", _is_size)
SIZES = _Kind("a list of whole numbers from 1", lambda value: isinstance(value, list) and all(map(_is_size, value)))
SEED = _Kind("a whole number from 0", lambda value: value == 0 or _is_size(value))
DIGEST = _Kind("64 hexadecimal digits", lambda value: isinstance(value, str) and len(value) == 64)
LAYERS, OPTIONS = _or(SIZES, NULL), _or(OBJECT, NULL)

MODEL = {
    "latent_type": _name_in(POSTERIORS),
    "likelihood": _name_in(LIKELIHOODS),
    "generator_layer_sizes": LAYERS,
    "infer_layer_sizes": LAYERS,
    "latent_variable_size": _or(SIZE, SIZES),
    "data_dims": SIZE,
    "generator_act_type": _name_in(ACTIVATIONS),
    "infer_act_type": _name_in(ACTIVATIONS),
    "prior": _name_in(PRIORS),
    "likelihood_options": OPTIONS,
    "latent_options": OPTIONS,
    "prior_options": OPTIONS,
    "label_size": _or(SIZE, _Kind("0", lambda value: value == 0)),
    "classifier_layer_sizes": LAYERS,
    "generator_body": _name_in(DECODERS),
    "infer_body": _name_in(ENCODERS),
    "generator_body_options": OPTIONS,
    "infer_body_options": OPTIONS,
    "data_shape": LAYERS,
}
DATA = {"name": _or(TEXT, NULL), "folder": _or(TEXT, NULL), "binarization": _name_in(BINARIZATIONS), "shape": LAYERS}
PARTS = dict.fromkeys(Splits._fields, _or(OBJECT, NULL))
PART = {"images": SIZE, "digest": DIGEST, "split_seed": _or(SEED, NULL)}
FIELDS = {
    "schema": _Kind(str(SCHEMA), lambda value: value == SCHEMA),
    "gluonvae": TEXT,
    "conditions": OBJECT,
    "model": _or(OBJECT, NULL),
    "data": OBJECT,
    "parts": _or(OBJECT, NULL),
    "shape": SIZES,
    "limits": _or(_Kind("two numbers, the lower first", _is_limits), NULL),
    "classes": TRUTH,
    "asked": OBJECT,
}


def _upgraded(content: Any) -> dict[str, Any]:
    """Bring what an older version wrote to today's schema."""
    _check_kind("it", OBJECT, content)
    schema, version = content.get("schema", 1), content.get("gluonvae", "an unknown version")
    if schema == SCHEMA or not _is_size(schema):
        return content
    if schema > SCHEMA:
        raise _OtherVersion(
            f"was written by gluonvae {version}, with schema {reprlib.repr(schema)}; this is {__version__}, which "
            f"reads up to {SCHEMA}: use that version, or a newer one"
        )
    content = {"conditions": {}, "parts": None, "limits": None, "classes": True, **content, "schema": SCHEMA}
    if "data" not in content and isinstance(content.get("asked"), dict):
        asked = content["asked"]
        content["data"] = {name: asked.get(of) for name, of in zip(DATA, ("data", "data_dir", "binarization", "shape"))}
    try:
        return dict(_checked(content))
    except ValueError as error:
        if "gluonvae" not in content:
            raise
        raise _OtherVersion(
            f"was written by gluonvae {version}, before runs had a schema: {error}; use that version, "
            "or restore it if it was changed"
        ) from error


def _checked(content: dict[str, Any]) -> Any:
    _check("", FIELDS, content)
    if content["model"] is not None:
        _check("model.", MODEL, content["model"])
    _check("data.", DATA, content["data"])
    if content["parts"] is not None:
        _check("parts.", PARTS, content["parts"])
        for name, part in content["parts"].items():
            if part is not None:
                _check(f"parts.{name}.", PART, part)
    if content["model"] is not None:
        _check_shapes(content["shape"], content["model"])
    return content


def _check_shapes(shape: Sequence[int], model: Mapping[str, Any]) -> None:
    for name, sizes in (("shape", shape), ("model.data_shape", model["data_shape"])):
        if sizes is not None and math.prod(sizes) != model["data_dims"]:
            raise ValueError(f"{name} {reprlib.repr(sizes)} does not multiply to model.data_dims")


def _check(where: str, fields: Mapping[str, _Kind], content: Mapping[str, Any]) -> None:
    missing = [f"{where}{name}" for name in fields if name not in content]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    unknown = [f"{where}{name}" for name in content if name not in fields]
    if unknown:
        raise ValueError(f"it has {reprlib.repr(unknown[0])}, which schema {SCHEMA} has not")
    for name, kind in fields.items():
        _check_kind(f"{where}{name}", kind, content[name])


def _check_kind(name: str, kind: _Kind, value: object) -> None:
    if not kind.holds(value):
        raise ValueError(f"{name} must be {kind.words}, got {reprlib.repr(value)}")
