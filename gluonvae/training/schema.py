"""The schema of a run's config.json: what each field may hold, and what older versions wrote.

A schema has the fields of its table and no others. Whoever adds one, or an argument of ``construct_vae`` or of
``data.load``, adds it to the table, raises :data:`SCHEMA` and says in :func:`upgraded` what it was before.
"""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from .. import data
from .._version import __version__
from ..backend.recipes import recipe_of_call
from ..data import BINARIZATIONS, Splits
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS
from ..objectives import BOUNDS
from ..prior import PRIORS

SCHEMA = 4
"""The version of what is written; 1 is that of runs without one, 2 knew images alone, 3 not the bound."""


class OtherVersion(Exception):
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
NUMBER = _Kind("a number", _is_number)
NUMBERS = _Kind("a list of numbers", lambda value: isinstance(value, list) and all(map(_is_number, value)))
TEXTS = _Kind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(of, str) for of in value))
NAMES = _Kind(
    "a list of texts or whole numbers",
    lambda value: isinstance(value, list) and all(isinstance(of, (str, int)) for of in value),
)
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
NOT_ASKED: dict[str, Any] = {
    **{name: of.default for name, of in inspect.signature(data.load).parameters.items() if name != "name"},
    "drop": [],
}
"""Arguments of :func:`gluonvae.data.load` that ask for nothing, as JSON has them."""

DATA = {
    "name": _or(TEXT, NULL),
    "folder": _or(TEXT, NULL),
    "binarization": _name_in(BINARIZATIONS),
    "shape": LAYERS,
    "white": _or(NUMBER, NULL),
    "split": _or(NUMBERS, NULL),
    "split_seed": SEED,
    "label_column": _or(TEXT, NULL),
    "group_column": _or(TEXT, NULL),
    "drop": TEXTS,
    "resize": LAYERS,
    "crop": TRUTH,
    "skip_broken": TRUTH,
    "layer": _or(TEXT, NULL),
}
PARTS = dict.fromkeys(Splits._fields, _or(OBJECT, NULL))
PART = {"images": SIZE, "digest": DIGEST, "split_seed": _or(SEED, NULL)}
FIELDS = {
    "schema": _Kind(str(SCHEMA), lambda value: value == SCHEMA),
    "gluonvae": TEXT,
    "conditions": OBJECT,
    "model": _or(OBJECT, NULL),
    "vae": _or(OBJECT, NULL),
    "bound": _or(OBJECT, NULL),
    "data": OBJECT,
    "parts": _or(OBJECT, NULL),
    "shape": SIZES,
    "limits": _or(_Kind("two numbers, the lower first", _is_limits), NULL),
    "classes": TRUTH,
    "class_names": _or(NAMES, NULL),
    "things": TEXT,
    "columns": _or(TEXTS, NULL),
    "white": _or(NUMBER, NULL),
    "asked": OBJECT,
}


BEFORE: dict[str, Any] = {
    "vae": None,
    "bound": None,
    "conditions": {},
    "parts": None,
    "limits": None,
    "classes": True,
    "class_names": None,
    "things": "images",
    "columns": None,
    "white": None,
}
"""What is taken where an older version did not write it."""


def upgraded(content: Any) -> dict[str, Any]:
    """Bring what an older version wrote to today's schema."""
    _check_kind("it", OBJECT, content)
    schema, version = content.get("schema", 1), content.get("gluonvae", "an unknown version")
    if schema == SCHEMA or not _is_size(schema):
        return content
    if schema > SCHEMA:
        raise OtherVersion(
            f"was written by gluonvae {version}, with schema {reprlib.repr(schema)}; this is {__version__}, which "
            f"reads up to {SCHEMA}: use that version, or a newer one"
        )
    content = {**BEFORE, **content, "schema": SCHEMA}
    if "data" not in content and isinstance(content.get("asked"), dict):
        asked = content["asked"]
        content["data"] = {name: asked.get(of) for name, of in zip(DATA, ("data", "data_dir", "binarization", "shape"))}
    if isinstance(content.get("data"), dict):
        content["data"] = {**NOT_ASKED, **content["data"]}
    if content["bound"] is None and isinstance(content.get("asked"), dict):
        content["bound"] = _bound_asked_for(content["asked"], content["parts"])
    try:
        return dict(checked(content))
    except ValueError as error:
        if "gluonvae" not in content:
            raise
        raise OtherVersion(
            f"was written by gluonvae {version}, with a schema before {SCHEMA}: {error}; use that version, "
            "or restore it if it was changed"
        ) from error


def _bound_asked_for(asked: Mapping[str, Any], parts: Any) -> Any:
    """The recipe of the bound that arguments of the command ask for, where they do."""
    kind = BOUNDS.get(asked.get("bound", ""))
    if kind is None:
        return None
    arguments = {name: asked[name] for name in ("samples", "beta") if asked.get(name) is not None}
    try:
        if "dataset_size" in inspect.signature(kind).parameters:
            arguments["dataset_size"] = parts["train"]["images"]
        return recipe_of_call(kind, **arguments, **(asked.get("bound_options") or {}))
    except (TypeError, KeyError):
        return None


def checked(content: dict[str, Any]) -> Any:
    """Return what a config.json of this schema holds; ValueError, with the field, where it is something else."""
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
