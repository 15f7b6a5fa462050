"""5,000 MNIST digits that come with the library; digits.md in this folder documents their origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .dataset import Dataset
from .splits import Splits, split

FILE = Path(__file__).with_name("digits.npz")
VALID_IMAGES = TEST_IMAGES = 500


def load_digits(binarization: str = "dynamic") -> Splits:
    """Load the built-in digits: 4,000 training, 500 validation and 500 test images, 28×28.

    Parameters
    ----------
    binarization : str, default "dynamic"
        One of :data:`gluonvae.data.BINARIZATIONS`.

    Returns
    -------
    Splits
        The three sets, with classes 0 to 9 as labels, split by a fixed seed.
    """
    with np.load(FILE) as file:
        data = Dataset(file["images"], (28, 28), binarization, file["labels"])
    return split(data, VALID_IMAGES, TEST_IMAGES)
