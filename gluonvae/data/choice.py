"""What fits data: how they are prepared, and a likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from ..generator import LIKELIHOODS
from ..generator.support import REAL
from .binarization import white_of
from .dataset import Dataset
from .readers.base import IMAGES, ROWS
from .splits import Splits, drawn_once_but_train
from .stores import Sparse
from .summary import Summary, joined

FULL_RANGE = 128
"""Whole numbers from 0 to 255 that reach this far may be 8-bit pixels as well as counts."""


class Choice(NamedTuple):
    """A likelihood that fits data."""

    likelihood: str
    """Its name."""
    options: dict[str, Any]
    """Arguments of its class."""
    why: str
    """What the data are, for a message."""


def choose(splits: Splits) -> Choice:
    """Choose a likelihood by what the data are.

    ==================================================  =============================================================
    data                                                likelihood
    ==================================================  =============================================================
    zeros and ones                                      ``bernoulli_prod``
    one-hot blocks of one size                          ``categorical``
    grey images                                         ``bernoulli_prod``, with pixels drawn anew at each use
    colour images                                       ``discretized_logistic_mixture``
    whole numbers from 0 in a table or sparse matrix    ``negative_binomial``
    other numbers                                       ``gaussian``, standardised, with a σ learned for each feature
    ==================================================  =============================================================

    Parameters
    ----------
    splits : Splits
        The data, their values as they are.

    Raises
    ------
    ValueError
        For a table of whole numbers from 0 to 255, which may be grey pixels or counts: it says how to tell.
    """
    summary, train = joined_summary(splits), splits.train
    missing = f", {summary.missing} of them missing" if summary.missing else ""
    if summary.binary:
        categories = one_hot_blocks(splits)
        if categories:
            return Choice("categorical", {"categories": categories}, f"one-hot blocks of {categories}{missing}")
        return Choice("bernoulli_prod", {}, f"zeros and ones{missing}")
    if train.things == IMAGES and len(train.shape) == 3 and {train.shape[0], train.shape[-1]} & {1, 3, 4} == {4}:
        raise ValueError(
            f"images of shape {train.shape} have 4 channels, of which one may be transparency: leave it out, or say "
            "what they are with --likelihood"
        )
    if _is_grey(splits) and (train.things == IMAGES or _given_white(splits) is not None):
        if is_colour(train.shape):
            return Choice("discretized_logistic_mixture", {}, "colour images")
        return Choice("bernoulli_prod", {}, "grey images, whose pixels are drawn as zeros and ones anew at each use")
    if summary.whole and summary.low >= 0:
        if FULL_RANGE <= summary.high <= 255 and not _are_counts(train):
            white = "" if train.store.dtype.kind in "ui" else " --white 255"
            raise ValueError(
                f"whole numbers from 0 to {summary.high:.0f} may be grey pixels or counts: say which, with "
                f"--likelihood bernoulli_prod{white} (pixels, best with --shape HEIGHT WIDTH) or --likelihood "
                "negative_binomial (counts)"
            )
        return Choice("negative_binomial", {}, f"counts up to {summary.high:.0f}{missing}")
    what = f"real numbers from {summary.low:.4g} to {summary.high:.4g}{missing}"
    return Choice("gaussian", {"std": "per_feature", "standardize": True}, what)


def binarization_for(splits: Splits, likelihood: Optional[str] = None) -> str:
    """Return how the values of data are prepared, for a likelihood or as the data themselves suggest.

    Parameters
    ----------
    splits : Splits
        The data, their values as they are.
    likelihood : str, optional
        Its name.

    Raises
    ------
    ValueError
        For colour images under a likelihood of zeros and ones: it says what to ask for.
    """
    if joined_summary(splits).binary or not _is_grey(splits):
        return "none"
    if likelihood is None:
        wanted = "grey" if is_colour(splits.train.shape) else "dynamic"
        return wanted if _may_be_pixels(splits) else "none"
    wanted, support = LIKELIHOODS[likelihood].pixels, LIKELIHOODS[likelihood].support
    if wanted == "dynamic" and is_colour(splits.train.shape):
        raise ValueError(
            f"{likelihood} is of zeros and ones, and the images are in colour: give --likelihood "
            "discretized_logistic_mixture, or --binarization dynamic to draw each channel of each pixel as 0 or 1"
        )
    return wanted if support is not REAL or _may_be_pixels(splits) else "none"


def binarized(splits: Splits, binarization: str) -> Splits:
    """Return data with a binarisation, of one whose values are as they are: all parts have one scale.

    Parameters
    ----------
    splits : Splits
        The data.
    binarization : str
        See :class:`Dataset`.

    Raises
    ------
    ValueError
        If the values are no grey values.
    """
    if binarization == "none" or splits.train.binarization != "none":
        return splits
    white = _white(splits)
    return drawn_once_but_train(*(part.binarized(binarization, white=white) for part in splits))


def joined_summary(splits: Sequence[Dataset]) -> Summary:
    """Return what the values of all parts are like."""
    return joined([part.summary for part in splits])


def is_colour(shape: Sequence[int]) -> bool:
    """Return whether data points of this shape are pictures in three colours."""
    return len(shape) == 3 and 3 in (shape[0], shape[-1])


def one_hot_blocks(splits: Sequence[Dataset]) -> Optional[int]:
    """Return the size of the blocks of which each has a single 1; None where there are none."""
    width = splits[0].width
    sizes = [size for size in range(2, width + 1) if width % size == 0]
    for part in splits:
        for block in part.store.blocks():
            values = np.nan_to_num(np.asarray(block, np.float32))
            sizes = [size for size in sizes if (values.reshape(len(values), -1, size).sum(axis=-1) == 1).all()]
            if not sizes:
                return None
    return sizes[0] if sizes else None


def _is_grey(splits: Splits) -> bool:
    """Whether all values are grey values."""
    try:
        _white(splits)
    except ValueError:
        return False
    return True


def _white(splits: Splits) -> Optional[float]:
    """The value of full intensity of all parts."""
    dtype, summary, given = np.result_type(*(part.store.dtype for part in splits)), joined_summary(splits), None
    if splits.train.things == IMAGES and summary.whole and summary.low >= 0 and 1 < summary.high <= 255:
        given = 255.0  # of images also where the whole numbers are kept as floating-point ones
    known = _given_white(splits)
    return white_of("images", summary, dtype, given if known is None else known)


def _given_white(splits: Splits) -> Optional[float]:
    """The value of full intensity, where it was given or is known from the files."""
    return next((part.given_white for part in splits if part.given_white is not None), None)


def _may_be_pixels(splits: Splits) -> bool:
    """Whether data are images, by their shape, by the type of their values, or as they have a white."""
    train = splits.train
    # the columns of a table have names, and its bytes are small numbers
    are_bytes = train.store.dtype in (np.uint8, np.bool_) and not _are_counts(train) and train.columns is None
    return train.things == IMAGES or are_bytes or _given_white(splits) is not None


def _are_counts(data: Dataset) -> bool:
    """Whether whole numbers can only be counts, by the form that they are in."""
    return isinstance(data.store, Sparse) or data.things not in (IMAGES, ROWS)
