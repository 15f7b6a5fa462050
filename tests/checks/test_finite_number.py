"""Arguments that are finite numbers, and those that are not."""

import math

import numpy as np
import pytest

from gluonvae.checks import finite_number


@pytest.mark.parametrize("value", [0, -2, 0.5, np.float32(0.25), 10**300])
def test_numbers_are_taken(value):
    assert finite_number("rate", value) == float(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"^rate must be a finite number, got (-?inf|nan)$"):
        finite_number("rate", value)


@pytest.mark.parametrize("value", ["1", None, [1, 2], {}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^rate must be a number, got "):
        finite_number("rate", value)
