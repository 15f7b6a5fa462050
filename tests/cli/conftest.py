"""Fixtures of the tests of the command."""

import pytest

import gluonvae as gv


@pytest.fixture
def asked_of_fit(monkeypatch, no_pictures):
    """What the command calls fit with: the training itself is left out, and its pictures."""
    from gluonvae.cli import train

    calls = []

    def fit(bound, train, valid, **options):
        calls.append({"bound": bound, "train": train, "valid": valid, **options})
        return gv.History()

    monkeypatch.setattr(train, "fit", fit)
    return calls
