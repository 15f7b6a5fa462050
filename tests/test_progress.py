"""A progress bar never ends what it shows."""

import io
import sys

import pytest

import gluonvae as gv
from gluonvae.progress import duration, progress_bar
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


def test_a_bar_tells_how_long_an_epoch_takes(capsys):
    """At 25 a second, an epoch of 100 takes 4 s."""
    clock = [0.0]
    with progress_bar(1000, "x", epoch_size=100, mininterval=0) as bar:
        assert "an epoch" not in str(bar)
        bar._time = lambda: clock[0]
        bar.start_t = bar.last_print_t = clock[0]
        for _ in range(3):
            clock[0] += 2
            bar.update(50)
        assert "[00:06<00:34, an epoch 4 s, 25.0x/s]" in str(bar)
    assert "an epoch 4 s" in capsys.readouterr().err


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_of_several_epochs_tells_how_long_one_takes(epochs, capsys, rng):
    images = patterns(rng, 40)
    gv.fit(gv.ELBO(small_vae()), images, epochs=epochs, batch_size=20)
    shown = capsys.readouterr().err
    assert f"epoch {epochs}/{epochs}" in shown
    assert ("an epoch" in shown) == (epochs > 1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0123, "0.012 s"),
        (4.04, "4 s"),
        (12.3, "12 s"),
        (99, "99 s"),
        (99.6, "1.7 min"),
        (7200, "2 h"),
        (1e6, "280 h"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
