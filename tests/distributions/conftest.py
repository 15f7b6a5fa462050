"""Fixtures of distributions."""

import pytest

from gluonvae.backend.regions import availability


@pytest.fixture(params=["compiled", "MXNet's"])
def operators(request, monkeypatch):
    """Each kind of operators that a graph may be made of."""
    if request.param == "compiled":
        assert availability.available()
    else:
        monkeypatch.setattr(availability, "_off", True)
