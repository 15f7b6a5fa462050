"""What a model can be made of, by name, with the options of each: from the registries and the docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from ..backend.runtime import mx
from ..data import NAMED
from ..data.known import KNOWN
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS
from ..objectives import BOUNDS
from ..prior import PRIORS
from ..training.trainers import UNFIT_OPTIMIZERS
from ..weights import Weight, weight_names
from .annealing import FORMS
from .docstrings import argument_of, papers_of, text_of

NEEDED = "?"
"""Stands for the value of an option that has no default."""


class Option(NamedTuple):
    """An option of an entry."""

    name: str
    default: str
    """As it would be typed."""
    values: str
    """What it may be, in short; empty where nothing is said."""
    text: str
    """What it is."""


class Entry(NamedTuple):
    """Something with a name."""

    name: str
    text: str
    """What it is; the first paragraph says it in short."""
    papers: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    python: str = ""
    """Its class."""


class Kind(NamedTuple):
    """A kind of things that have names."""

    flag: str
    """The option of ``gluonvae train`` that takes a name."""
    entries: dict[str, Entry]
    options_flag: Optional[str] = None
    """The option that takes options of theirs."""


def catalogue() -> dict[str, Kind]:
    """Return all that has a name, by its kind."""
    of_network = ("data_dims", "layer_sizes", "act_type", "latent_variable_size")
    of_body = ("layer_sizes", "act_type", "shape", "in_units", "prefix")
    return {
        "likelihoods": _parts("--likelihood", LIKELIHOODS, of_network),
        "posteriors": _parts("--posterior", POSTERIORS, of_network),
        "priors": _parts("--prior", PRIORS, ("latent_variable_size",)),
        "bounds": _parts("--bound", BOUNDS, ("vae", "dataset_size")),
        "inference-bodies": _parts("--inference-body", ENCODERS, of_body),
        "generator-bodies": _parts("--generator-body", DECODERS, of_body),
        "activations": Kind(
            "--inference-activation, --generator-activation", {name: Entry(name, "") for name in sorted(ACTIVATIONS)}
        ),
        "optimizers": Kind("--optimizer", _optimizers()),
        "schedules": Kind(
            "--anneal", {name: Entry(name, f"{name}:{form.numbers}, {form.text}.") for name, form in FORMS.items()}
        ),
        "data": Kind("--data", _data_sets()),
    }


def _parts(flag: str, registry: Mapping[str, type], given: Iterable[str]) -> Kind:
    """The classes of a registry, whose options are the arguments that nothing else gives them."""
    entries = {}
    for name, kind in sorted(registry.items()):
        takes = inspect.signature(kind).parameters
        options = tuple(_option(kind, of) for key, of in takes.items() if key not in given)
        family = getattr(kind, "family_type", None)
        first, *others = [part for of in (kind, family) for part in text_of(of).split("\n\n")]
        text = "\n\n".join([" ".join([first, *_data_of(kind)]), *filter(None, others)])
        papers = dict.fromkeys(paper for of in (kind, family) for paper in papers_of(of))
        entries[name] = Entry(name, text, tuple(papers), options, f"gluonvae.{kind.__name__}")
    return Kind(flag, entries, f"{flag}-options")


def _data_of(kind: type) -> Iterator[str]:
    """What the data of a likelihood must be."""
    wanted = getattr(getattr(kind, "support", None), "wanted", None)
    if isinstance(wanted, str):
        yield f"Data: {wanted}{'' if wanted.endswith('.') else '.'}"


def _option(kind: type, of: inspect.Parameter) -> Option:
    said = argument_of(kind, of.name)
    weight = _weight(kind, of.name)
    values = f"{weight.wanted}, may change: --anneal {of.name}=..." if weight else _values(said.kind)
    return Option(of.name, NEEDED if of.default is of.empty else typed(of.default), values, said.text)


def _weight(kind: type, name: str) -> Optional[Weight]:
    """The weight of a class, or of its family, that an argument sets."""
    for owner in (kind, getattr(kind, "family_type", None)):
        if isinstance(owner, type) and name in weight_names(owner):
            found: Weight = getattr(owner, name)
            return found
    return None


def _values(kind: str) -> str:
    """What an argument of a type may be: ``{"softplus", "exp"}`` is "softplus or exp"."""
    words = re.sub(r"\{([^}]*)\}", lambda match: match[1].replace('"', "").replace(", ", " or "), kind)
    return " or ".join(_WORDS.get(word.lower(), word) for word in words.split(" or ") if word != "callable")


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a name",
    "none": "none",
    "sequence of int": "a list of whole numbers",
    "sequence[int]": "a list of whole numbers",
}
"""What types are called."""


def typed(value: Any) -> str:
    """Return a value as it is typed after ``KEY=``."""
    if isinstance(value, (bool, type(None))):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(typed, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data_sets() -> dict[str, Entry]:
    """The data sets that are loaded by name."""
    entries = {}
    for name, load in sorted(NAMED.items()):
        known = KNOWN.get(name)
        text = f"{known.title}.\n\n{known.citation}. Licence: {known.licence}." if known else text_of(load)
        entries[name] = Entry(name, text)
    return entries


def _optimizers() -> dict[str, Entry]:
    """MXNet's optimizers, with the first sentence of what it says of them."""
    known: dict[str, type] = mx.optimizer.Optimizer.opt_registry
    names = sorted(known.keys() - UNFIT_OPTIMIZERS)
    return {name: Entry(name, " ".join(text_of(known[name]).split("\n\n")[0].split())) for name in names}
