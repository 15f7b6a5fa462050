"""Where likelihoods give probability: what data may be, and which likelihood fits data that may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..backend.regions.checks import is_binary


class Support:
    """The support of a likelihood: a set of values, and the words for messages about others."""

    wanted = "finite numbers"
    """What values must be."""
    others = "infinite values"
    """What values outside are called."""
    advice = "clean the data"
    """What to do about them."""
    data_range = "real"
    """Where values lie, one of :data:`gluonvae.prior.vamp.PSEUDO_RANGES`."""

    def wrong(self, values: np.ndarray) -> np.ndarray:
        """Return which values are outside, as an array of bools; NaN always is."""
        return ~np.isfinite(values)

    def holds(self, values: np.ndarray) -> bool:
        """Return whether all values, ``(..., X)``, are inside."""
        return values.dtype == bool or not self.wrong(values).any()

    def observed(self, values: np.ndarray) -> np.ndarray:
        """Return the values that are not missing, NaN, one after the other."""
        return values[~np.isnan(values)]

    def given(self, values: np.ndarray) -> str:
        """Describe the values that are outside."""
        wrong = values[self.wrong(values)]
        negative = wrong[wrong < 0]
        called, example = ("negative values", negative[0]) if negative.size else (self.others, wrong[0])
        low, high = float(values.min()), float(values.max())
        return f"{called} such as {float(example):.4g} ({wrong.size} of {values.size}, range {low:.3g} to {high:.3g})"


class Binary(Support):
    wanted = "0 or 1 everywhere"
    others = "grey values"
    data_range = "unit"
    advice = "binarise the images, as gluonvae.data.Dataset(images, shape, 'dynamic') does at each use"

    def wrong(self, values: np.ndarray) -> np.ndarray:
        return (values != 0) & (values != 1)

    def holds(self, values: np.ndarray) -> bool:
        return is_binary(values)  # what is looked at most


class OneHot(Binary):
    """Blocks of ``categories`` values, of which one is 1 and the others are 0."""

    def __init__(self, categories: int) -> None:
        self.categories = categories
        self.wanted = f"one-hot in blocks of {categories}"
        self.others = "values other than 0 and 1"
        self.advice = f"make a block of {categories} of each label, as mx.nd.one_hot(labels, {categories}) does"

    def observed(self, values: np.ndarray) -> np.ndarray:
        blocks = values.reshape(-1, self.categories)
        return blocks[~np.isnan(blocks).any(axis=1)]

    def _wrong_blocks(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, self.categories).sum(axis=1) != 1

    def holds(self, values: np.ndarray) -> bool:
        return super().holds(values) and not self._wrong_blocks(values).any()

    def given(self, values: np.ndarray) -> str:
        if not super().holds(values):
            return super().given(values)
        wrong = self._wrong_blocks(values)
        ones = int(values.reshape(-1, self.categories)[wrong][0].sum())
        return f"blocks with {'no' if ones == 0 else ones} ones ({np.count_nonzero(wrong)} of {wrong.size} blocks)"


class Interval(Support):
    wanted = "between 0 and 1"
    others = "values above 1"
    data_range = "unit"
    advice = "scale the values, as gluonvae.data.Dataset(images, shape, 'grey') does with 8-bit images"

    def wrong(self, values: np.ndarray) -> np.ndarray:
        return ~((values >= 0) & (values <= 1))


class Levels(Interval):
    wanted = "fractions n / 255 of 8-bit images"
    others = "values that are not n / 255"
    advice = "take 8-bit images, as gluonvae.data.Dataset(images, shape, 'grey') scales them"

    def wrong(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            levels = 255 * values
            # a float32 is off by less than 1e-4 of a level
            between = ~(abs(levels - np.rint(levels)) < 1e-3)
        return super().wrong(values) | between


class Counts(Support):
    wanted = "counts 0, 1, 2, ..."
    others = "fractions"
    data_range = "positive"
    advice = "give whole numbers, as gluonvae.data.Dataset(images, shape, 'bytes') does of images"

    def wrong(self, values: np.ndarray) -> np.ndarray:
        return ~((values >= 0) & (values < np.inf) & (values == np.rint(values)))


BINARY, LEVELS, INTERVAL, COUNTS, REAL = Binary(), Levels(), Interval(), Counts(), Support()

IF_MISSING = (
    ": if that is a missing value, make the generator with missing=True, which is likelihood_options={'missing': True} "
    "of construct_vae"
)
"""What is said of NaN in data of a model that takes no missing values."""

NARROW_TO_WIDE = ((BINARY,), (LEVELS, INTERVAL), (COUNTS,), (REAL,))
"""The order in which a support that holds is looked for: the first group that has one is what is named."""


def check(
    name: str, values: np.ndarray, support: Support, likelihood: str, kinds: Mapping[str, Any], missing: bool = False
) -> None:
    """Raise ValueError for values that are not all in a support, which names the likelihoods that fit.

    Parameters
    ----------
    name, likelihood : str
        What the message calls the values and the likelihood.
    values : numpy.ndarray
        ``(..., X)``.
    support : Support
    kinds : mapping
        All generators by name.
    missing : bool
        Whether NaN stands for a missing value, which is not looked at.
    """
    observed = support.observed(values) if missing else values
    if support.holds(observed):
        return
    checks.finite(name, np.where(np.isnan(values), 0, values) if missing else values, IF_MISSING)
    fitting = ", ".join(_fitting(observed, kinds))
    raise ValueError(
        f"{name} must be {support.wanted} for {likelihood}, got {support.given(observed)}: {support.advice}"
        + (f", or use {fitting}" if fitting else "")
    )


def _fitting(values: np.ndarray, kinds: Mapping[str, Any]) -> list[str]:
    """The likelihoods of the narrowest supports that hold."""
    for group in NARROW_TO_WIDE:
        holding = [support for support in group if support.holds(values)]
        if holding:
            fit = {name: kind for name, kind in kinds.items() if kind.support in holding}
            return [f"{kind.__name__} (likelihood {name!r})" for name, kind in fit.items()]
    return []
