"""Options of former versions, which runs of theirs have in config.json."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..inference import POSTERIORS
from ..objectives import BOUNDS

ANNEALING = {
    "--beta-schedule": "--anneal beta=linear:0:1:10",
    "--beta-epochs": "--anneal beta=linear:0:1:10, where 10 are the epochs",
    "--anneal-from": "--anneal beta=linear:0:1:10, where 0 is the start",
}
"""Options that are gone, and what does the same."""


def as_today(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a training as today's command has them.

    Parameters
    ----------
    asked : mapping
        What config.json of a run has, of any version.
    """
    today = dict(asked)
    if "beta_schedule" not in today:
        return today
    schedule, epochs = today.pop("beta_schedule"), today.pop("beta_epochs", 10)
    name, start = str(today.pop("anneal", None) or "beta"), today.pop("anneal_from", 0.0)
    if schedule == "constant":
        return today
    start = start if schedule == "linear" else 0.0
    today["anneal"] = {name: f"{schedule}:{start!r}:{_value_of(today, name)!r}:{epochs}"}
    if name == "beta":
        today.pop("beta", None)
    return today


def _value_of(asked: Mapping[str, Any], name: str) -> Any:
    """The value that a weight of the bound, or of the posterior, was given, or else has by default."""
    for kinds, part, options in ((BOUNDS, "bound", "bound_options"), (POSTERIORS, "posterior", "latent_options")):
        own, kind = asked.get(options) or {}, kinds.get(asked.get(part, ""))
        takes = {} if kind is None else inspect.signature(kind).parameters
        if name in takes:
            given = asked.get(name) if part == "bound" else None
            return own.get(name, takes[name].default if given is None else given)
    raise ValueError(f"{name!r}, which changed over the epochs, is a weight of neither the bound nor the posterior")
