"""What tests share."""

from tests.helpers.gradients import assert_close, assert_slope_along_a_direction, finite_terms_and_gradients, learned
from tests.helpers.models import log_weight, small_digits, small_vae
from tests.helpers.modes import (
    BATCHES,
    MODES,
    Wrapped,
    assert_function_agrees,
    assert_modes_agree,
    assert_modes_agree_in_float64,
    assert_same,
    set_mode,
    value_and_gradients,
    weighting,
)
from tests.helpers.pairs import all_pairs
from tests.helpers.tensors import draw, nd, nd64, noise_for, numbers, patterns, pixels

__all__ = [
    "BATCHES",
    "MODES",
    "Wrapped",
    "all_pairs",
    "assert_close",
    "assert_function_agrees",
    "assert_modes_agree",
    "assert_modes_agree_in_float64",
    "assert_same",
    "assert_slope_along_a_direction",
    "draw",
    "finite_terms_and_gradients",
    "learned",
    "log_weight",
    "nd",
    "nd64",
    "noise_for",
    "numbers",
    "patterns",
    "pixels",
    "set_mode",
    "small_digits",
    "small_vae",
    "value_and_gradients",
    "weighting",
]
