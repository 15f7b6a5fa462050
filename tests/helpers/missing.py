"""Data of which some is missing."""

import numpy as np


def with_holes(rng, values, share):
    """A copy of ``values`` with NaN in the place of about this share of them."""
    return np.where(rng.random(values.shape) < share, np.nan, values)
