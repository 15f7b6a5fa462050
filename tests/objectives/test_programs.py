"""Gradients of random programs: whatever is summed and called in whatever order."""

import pytest

from gluonvae.objectives import base
from tests.helpers import programs


@pytest.mark.parametrize("model", programs.MODELS)
def test_gradients_do_not_depend_on_what_was_called_before(model, request, monkeypatch):
    monkeypatch.setattr(base, "FLOATS_AT_ONCE", programs.FLOATS_AT_ONCE)
    first, count = request.config.getoption("--seed"), request.config.getoption("--programs")
    for seed in range(first, first + count):
        assert programs.run(model, seed) is None, f"program {seed}"
