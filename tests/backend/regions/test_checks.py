"""Checks of values: what NumPy says of them."""

import numpy as np
import pytest

from gluonvae.backend.regions.checks import is_binary


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.5, -1.0, 2.0, np.nextafter(np.float32(1), np.float32(0)), 1e-30])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_one_value_that_is_neither_0_nor_1_is_found_anywhere(wrong, dtype, rng):
    for count in (1, 2, 15, 16, 33, 1000):
        values = rng.integers(0, 2, count).astype(dtype)
        assert is_binary(values)
        place = rng.integers(count)
        if np.array(wrong).astype(dtype) in (0, 1):
            continue
        values[place] = wrong
        assert not is_binary(values)


def test_parts_of_arrays_and_empty_ones(rng):
    values = rng.integers(0, 2, (20, 6)).astype("float32")
    values[:, 3] = 7
    assert is_binary(values[:, :3])
    assert not is_binary(values[:, 2:4])
    assert is_binary(values[:0])
    assert is_binary(values > 2)
