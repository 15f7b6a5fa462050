"""A progress bar never ends what it shows."""

import io
import sys

import pytest

import gluonvae as gv
from gluonvae.progress import progress_bar
from tests.helpers import patterns, small_vae


class Broken(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    flush = lambda self: self.write("")  # noqa: E731


ERRORS = [
    BrokenPipeError(32, "Broken pipe"),
    OSError(28, "No space left on device"),
    OSError(5, "Input/output error"),
    ValueError("I/O operation on closed file"),
    UnicodeEncodeError("ascii", "ö", 0, 1, "ordinal not in range"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_output_that_cannot_be_written(error, monkeypatch, rng):
    monkeypatch.setattr(sys, "stderr", Broken(error))
    images = patterns(rng, 40)
    assert len(gv.fit(gv.ELBO(small_vae()), images, images, epochs=2, batch_size=20)) == 2


def test_no_output_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with progress_bar(3, "x") as bar:
        bar.update(3)


def test_a_bar_is_shown(capsys):
    with progress_bar(3, "x", mininterval=0) as bar:
        bar.update(3)
    assert "3.00/3.00" in capsys.readouterr().err
