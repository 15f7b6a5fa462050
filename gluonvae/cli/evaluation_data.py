"""The data of ``gluonvae evaluate`` and ``gluonvae reconstruct``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import NamedTuple, Optional

from .. import checks, data
from ..data.inspection import unscaled
from ..training.config import Config, difference
from ..training.preparing import Found, check_columns, read_as_before
from .sources import file_of_data, named_source

_log = logging.getLogger(__name__)


class _Found(NamedTuple):
    """Data points that a model is to be tried on."""

    test: data.Dataset
    part: str
    """What they are of what was found."""
    changed: Optional[str]
    """What differs from the run's test set, see :func:`gluonvae.training.config.difference`; it reads them all."""


def evaluation_data(asked: argparse.Namespace, config: Config, unless_asked: Optional[int] = None) -> data.Dataset:
    """Return data points that a model is to be tried on.

    Parameters
    ----------
    asked : argparse.Namespace
        The arguments of the command.
    config : Config
        Of the run.
    unless_asked : int, optional
        How many, unless a number is asked for; by default all.

    Returns
    -------
    Dataset
        The first of the run's test set; of other data, those of its test set, or of all where it is in one piece.

    Raises
    ------
    DataError, ValueError
        If there is none, it has changed, or there are fewer than were asked for.
    """
    try:
        found = _find(asked, config)
    except data.DataError as error:
        raise data.DataError(f"{error}; --data or --data-dir names where the run's data lie now") from error
    test = found.test
    check_columns(config, test)
    _compare(asked, config, found)
    white = test.full_intensity
    dark = white and unscaled(test.summary.high, white)
    if dark and asked.data:
        _log.warning("%s: %s", asked.data, dark)
    if asked.images is None:
        return test.subset(slice(unless_asked))
    if checks.positive_int("--images", asked.images) > len(test):
        raise ValueError(f"--images {asked.images} is more than there are: the test set has {len(test)} {test.things}")
    return test.subset(slice(asked.images))


def _find(asked: argparse.Namespace, config: Config) -> _Found:
    path = file_of_data(asked)
    if path is not None:
        return _in_file(path, config)
    return _found(config, data.load(**named_source(asked, config)).test, "its test set")


def _found(config: Config, test: data.Dataset, part: str) -> _Found:
    return _Found(test, part, difference(config, "test", test))


def _in_file(path: Path, config: Config) -> _Found:
    """The data points of a file or folder."""
    read = read_as_before(path, config)
    try:
        return _in_parts(read, config)
    except (ValueError, TypeError) as error:
        raise data.DataError(f"{path}: {error}") from error


def _in_parts(read: Found, config: Config) -> _Found:
    """The part that is called test; the run's own test set, where all was split as the run's data; or all."""
    if "test" in read.parts:
        return _found(config, read.prepared("test"), "its test set")
    in_one_piece = len(read.parts) == 1
    if not in_one_piece or _may_be_the_runs(config, read.parts["train"]):
        test = read.split(read.source["split"] if in_one_piece else None).test
        found = _found(config, test, "a part of it that is drawn at random")
        if not in_one_piece or not found.changed:
            return found
    return _found(config, read.prepared("train"), "all of it")


def _may_be_the_runs(config: Config, whole: data.Dataset) -> bool:
    """Whether there are as many data points as the run's data has, or it does not tell."""
    if config["parts"] is None:
        return config["data"]["name"] is not None
    parts = config["parts"].values()
    return config["parts"]["test"] is not None and len(whole) == sum(part["images"] for part in parts if part)


def _compare(asked: argparse.Namespace, config: Config, found: _Found) -> None:
    """Refuse test images that are not the run's; those that are asked for by name give a warning."""
    place = asked.data or config["data"]["name"]
    if config["parts"] is None:
        _log.warning("the run does not tell what its data were: whether %s still is the same is not known", place)
    elif found.changed and asked.data:
        _log.warning(
            "%s is not the data of the run: %s is used, of which some may have been trained on", place, found.part
        )
    elif found.changed:
        raise data.DataError(
            f"{place} has changed since the training: {found.changed}; restore it, or give --data to use other images"
        )
