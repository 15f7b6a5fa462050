"""Data sets: some by name, and a user's own from files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Callable, Optional

from .. import checks
from ..labels import has_classes
from .binarization import BINARIZATIONS
from .binarized_mnist import load_binarized_mnist
from .choice import Choice, binarization_for, binarized, choose
from .dataset import Dataset
from .digits import load_digits
from .few_labels import hide_labels, keep_few_labels
from .known import KNOWN, read_known
from .own import load_own, splits_of
from .readers.base import Wishes
from .sources import DataError
from .splits import Splits, all_labels, split
from .streams import Stream

__all__ = [
    "BINARIZATIONS",
    "NAMES",
    "Choice",
    "DataError",
    "Dataset",
    "Splits",
    "Stream",
    "all_labels",
    "binarization_for",
    "binarized",
    "choose",
    "has_classes",
    "hide_labels",
    "keep_few_labels",
    "load",
    "split",
]


def _load_known(name: str, folder: Optional[str] = None) -> Splits:
    return splits_of(read_known(name, folder))


NAMED: dict[str, Callable[[Optional[str]], Splits]] = {
    "binarized_mnist": load_binarized_mnist,
    "digits": load_digits,
    **{name: partial(_load_known, name) for name in KNOWN},
}
"""The data sets that :func:`load` knows, with what loads them, from a folder or from where they are."""

NAMES = tuple(sorted(NAMED))
"""Their names."""


def load(
    name: str,
    folder: Optional[str] = None,
    binarization: Optional[str] = None,
    shape: Optional[Sequence[int]] = None,
    *,
    white: Optional[float] = None,
    split: Optional[Sequence[float]] = None,
    split_seed: int = 0,
    label_column: Optional[str] = None,
    group_column: Optional[str] = None,
    drop: Sequence[str] = (),
    resize: Optional[Sequence[int]] = None,
    crop: bool = False,
    skip_broken: bool = False,
    layer: Optional[str] = None,
) -> Splits:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`, such as "digits", 5,000 MNIST digits that come with the library, see
        :data:`gluonvae.data.known.KNOWN` for the others; or the path of a file or
        folder of your own, of any kind that :data:`gluonvae.data.readers.READERS` lists.
    folder : str, optional
        Folder with the files of a named data set. By default the folder in the environment variable
        ``GLUONVAE_DATA`` and Gluon's data folder are searched, and missing files are downloaded.
    binarization : str, optional
        One of :data:`BINARIZATIONS`; by default "dynamic" for grey images, "grey" for colour images, and "none" for
        tables and counts. Without effect on zeros and ones.
    shape : Sequence[int], optional
        Shape of one image of your own, such as ``(28, 28)``.
    white : float, optional
        The value of full intensity of your own images, see :class:`Dataset`.
    split : Sequence[float], optional
        Shares of the training, validation and test set of your own data, such as ``(0.8, 0.1, 0.1)``.
    split_seed : int
        Seed of the split of your own data.
    label_column, group_column : str, optional
        The column of a table, or annotation of cells, that is the label; and the one whose data points with the same
        value come into one part.
    drop : Sequence[str]
        Columns of a table to leave out.
    resize : Sequence[int], optional
        Height and width that the images of a folder are scaled to.
    crop : bool
        Whether to cut them to these proportions, or without ``resize`` to a square, at the centre.
    skip_broken : bool
        Whether to leave out images that cannot be read.
    layer : str, optional
        The layer of an AnnData file that has the values.

    Returns
    -------
    Splits
        Training, validation and test set.

    Raises
    ------
    DataError
        If a file is missing or broken, or your own data does not fit.
    ValueError
        If a name is unknown, or an argument does not apply to the data set.
    """
    if binarization is not None:
        checks.known_name("binarization", binarization, BINARIZATIONS)
    if resize is not None:
        resize = checks.layer_sizes("resize", resize)
        if len(resize) != 2:
            raise ValueError(f"resize must be a height and a width, got {resize}")
    wishes = Wishes(
        None if shape is None else checks.layer_sizes("shape", shape),
        label_column,
        group_column,
        tuple(drop),
        None if resize is None else (resize[0], resize[1]),
        checks.boolean("crop", crop),
        checks.boolean("skip_broken", skip_broken),
        layer,
    )
    shares = None if split is None else _shares(split)
    if checks.finite_number("split_seed", split_seed) < 0:
        raise ValueError(f"split_seed must not be negative, got {split_seed}")
    if name in NAMES:
        _check_named(name, wishes, shares, white)
        splits = NAMED[name](folder)
    else:
        splits = _load_own(name, folder, wishes, shares, split_seed, white)
    try:
        return binarized(splits, binarization or binarization_for(splits))
    except ValueError as error:
        raise DataError(f"{name}: {error}") from error


def _load_own(
    name: str,
    folder: Optional[str],
    wishes: Wishes,
    shares: Optional[Sequence[float]],
    seed: int,
    white: Optional[float],
) -> Splits:
    path = Path(name).expanduser()
    if not (path.exists() or path.suffix or len(path.parts) > 1):
        checks.known_name("data set", name, NAMES)
    if folder is not None:
        raise ValueError(f"a data folder is for mnist and other named data sets: {name} has its own place")
    if white is not None and checks.finite_number("white", white) <= 0:
        raise ValueError(f"white must be positive, got {white}")
    return load_own(path, wishes, shares, seed, white)


def _shares(split: Sequence[float]) -> Sequence[float]:
    shares = [checks.finite_number("split", share) for share in split]
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            f"split must be the shares of training, validation and test set, which add up to 1, such as "
            f"0.8 0.1 0.1, got {' '.join(map(str, shares))}"
        )
    return shares


def _check_named(name: str, wishes: Wishes, shares: Optional[Sequence[float]], white: Optional[float]) -> None:
    """Refuse what is for a user's own data alone."""
    asked = {**vars(wishes), "split": shares, "white": white}
    for option, value in asked.items():
        if value not in (None, False, ()):
            raise ValueError(f"{option} is for your own data: {name} has its own")
