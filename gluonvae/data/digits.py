"""5,000 real MNIST digits that come with the library; digits.md beside this file tells their origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .dataset import Dataset, Splits, split

FILE = Path(__file__).with_name("digits.npz")
VALID_IMAGES = TEST_IMAGES = 500


def load_digits(binarization: str = "dynamic") -> Splits:
    """4,000 training, 500 validation and 500 test images, 28×28, split by a fixed seed."""
    with np.load(FILE) as file:
        data = Dataset(file["images"], (28, 28), binarization, file["labels"])
    return split(data, VALID_IMAGES, TEST_IMAGES)
