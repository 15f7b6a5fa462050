import pytest

import gluonvae as gv


@pytest.fixture
def few_digits(monkeypatch):
    """The built-in digits are 60 in each part, and no picture is drawn."""
    few = gv.data.Splits(*(part.subset(slice(60)) for part in gv.data.load("digits", binarization="none")))
    monkeypatch.setitem(gv.data.NAMED, "digits", lambda folder: few)
    monkeypatch.setattr("gluonvae.plots._save", lambda figure, path: None)
