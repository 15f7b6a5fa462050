"""5,000 MNIST digits that come with the library; digits.md in this folder documents their origin."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from .dataset import Dataset
from .splits import Splits, split

FILE = Path(__file__).with_name("digits.npz")
VALID_IMAGES = TEST_IMAGES = 500


def load_digits(folder: Optional[str] = None) -> Splits:
    """Load the built-in digits: 4,000 training, 500 validation and 500 test images, 28×28.

    Parameters
    ----------
    folder : str, optional
        Refused: they come with the library.

    Returns
    -------
    Splits
        The three sets, grey values 0 to 255, with classes 0 to 9 as labels, split by a fixed seed.

    Raises
    ------
    ValueError
        If there is a folder.
    """
    if folder is not None:
        raise ValueError("a data folder is for mnist and other named data sets: digits has its own place")
    with np.load(FILE) as file:
        data = Dataset(file["images"], (28, 28), "none", file["labels"])
    return split(data, VALID_IMAGES, TEST_IMAGES)
