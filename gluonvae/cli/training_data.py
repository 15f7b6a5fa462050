"""The data of ``gluonvae train``, and what follows from it."""

from __future__ import annotations

import argparse
import inspect
import logging
from typing import Any, Optional

from .. import data
from ..data.inspection import count_shared, find_outlier, unscaled
from .effects import is_semi_supervised
from .results import remark

_log = logging.getLogger(__name__)


def training_data(asked: argparse.Namespace, check_effect: bool) -> data.Splits:
    """Load the data that was asked for, and complete what was asked by what fits it.

    Parameters
    ----------
    asked : argparse.Namespace
        The arguments of the command. A likelihood, its options and a binarisation are chosen where they are left out,
        and said.
    check_effect : bool
        Whether the training is a new one, of which options without effect are refused and the data is looked at.
    """
    given = asked.binarization
    try:
        splits = data.load(**{**load_arguments(asked), "binarization": "none"})
    except data.DataError as error:
        where = "" if check_effect else "; --data or --data-dir names where the run's data lie now"
        raise data.DataError(f"{error}{where}") from error
    if asked.likelihood is None:
        _choose_likelihood(asked, splits)
    if asked.standardize:
        asked.likelihood_options = {**asked.likelihood_options, "standardize": True}
    if any(part.summary.missing for part in splits):
        asked.likelihood_options = {"missing": True, **asked.likelihood_options}
    raw = splits
    asked.binarization = given or data.binarization_for(splits, asked.likelihood)
    splits = data.binarized(splits, asked.binarization)
    if "batch_size" not in asked.given:
        asked.batch_size = min(asked.batch_size, len(splits.train))
    if check_effect:
        _tell_of_columns(asked)
        _check_effects(asked, given, splits)
        _warn_of_shared(raw)  # before pixels are drawn
        _warn(splits)
    return splits


def _check_effects(asked: argparse.Namespace, given: Optional[str], splits: data.Splits) -> None:
    """Refuse options that have no effect on these data."""
    if asked.white is not None and splits.train.full_intensity is None:
        raise ValueError("--white has no effect: the data are no grey values, or are taken as they are; leave it out")
    if "binarization" in asked.given and given not in (None, "none") and splits.train.binary:
        raise ValueError(f"--binarization {given} has no effect: the images are zeros and ones already; leave it out")


def _choose_likelihood(asked: argparse.Namespace, splits: data.Splits) -> None:
    """Ask for the likelihood that fits the data, and say which."""
    choice = data.choose(splits)
    asked.likelihood, asked.likelihood_options = choice.likelihood, {**choice.options, **asked.likelihood_options}
    options = "".join(f" {name}={value}" for name, value in asked.likelihood_options.items())
    remark(
        asked, f"likelihood {choice.likelihood}{options}, as the data are {choice.why}; --likelihood chooses another"
    )


def _tell_of_columns(asked: argparse.Namespace) -> None:
    """Say what becomes of the columns that are no values."""
    if asked.label_column is not None and not (asked.conditional or is_semi_supervised(asked)):
        text = "holds the labels: it is not part of the data, and not used without --conditional"
        remark(asked, f"{asked.label_column!r} {text}")
    if asked.group_column is not None:
        text = "holds the groups: it is not part of the data, and data points of one group are in one part"
        remark(asked, f"{asked.group_column!r} {text}")


def load_arguments(asked: argparse.Namespace) -> dict[str, Any]:
    """The arguments of data.load."""
    names = inspect.signature(data.load).parameters
    own = {"name": asked.data, "folder": asked.data_dir}
    return {name: own[name] if name in own else getattr(asked, name) for name in names}


def _warn_of_shared(splits: data.Splits) -> None:
    """Warn of validation and test data that are trained on."""
    train, *others = splits
    counts = count_shared(train.blocks(), *(part.blocks() for part in others))
    for name, part, shared in zip(("validation", "test"), others, counts):
        if shared:
            _log.warning(
                "%d of %d %s %s are in the training set as well: what is said of the %s set is too good",
                *(shared, len(part), name, part.things, name),
            )


def _warn(splits: data.Splits) -> None:
    """Warn of values that lie far off, and of images that are all but black."""
    for name, part in zip(splits._fields[1:], splits[1:]):
        # of the training set fit says more
        outlier = None if part.full_intensity or part.binary else find_outlier(part.blocks(), part.columns, part.things)
        if outlier:
            _log.warning("in the %s set: %s", name, outlier)
    white = splits.train.full_intensity
    dark = None if white is None else unscaled(max(part.summary.high for part in splits), white)
    if dark:
        _log.warning("%s, or give --white", dark)
