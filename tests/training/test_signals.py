"""Signals that end a training, those that are ignored, and those that are sent on."""

import os
import signal
import sys
import time
import weakref

import pytest

import gluonvae as gv
from gluonvae.training.signals import STOPPING, Interrupt, Stopping, raising_signals
from gluonvae.training.status import read_status
from tests.helpers import patterns, small_vae


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in STOPPING}
    # as in a process that was started in a terminal: nohup and background jobs ignore some
    started = {number: signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL for number in before}
    for number, handler in started.items():
        signal.signal(number, handler)
    yield started
    for number, handler in before.items():
        signal.signal(number, handler)


def fit_with(number, rng, times=1, **options):
    """Train, and be sent a signal in the second step."""

    def rate(step):
        if step == 1:
            for _ in range(times):
                os.kill(os.getpid(), number)
        return 0.01

    images = patterns(rng, 60)
    return gv.fit(gv.ELBO(small_vae()), images, epochs=3, batch_size=20, learning_rate=rate, progress=False, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_sent_on_when_the_state_is_saved(number, rng, tmp_path):
    seen = []
    signal.signal(number, lambda *arguments: seen.append(read_status(tmp_path / "run")["status"]))
    history = fit_with(number, rng, folder=tmp_path / "run")
    assert history.interrupted
    assert len(history) == 0
    assert seen == ["interrupted"]


def test_ctrl_c_is_not_sent_on(rng):
    assert fit_with(signal.SIGINT, rng).interrupted


@pytest.mark.parametrize("number", STOPPING)
def test_what_is_ignored_stays_ignored(number, rng):
    signal.signal(number, signal.SIG_IGN)
    history = fit_with(number, rng)
    assert not history.interrupted
    assert len(history) == 3
    assert signal.getsignal(number) is signal.SIG_IGN
    with raising_signals():
        os.kill(os.getpid(), number)


def test_a_second_signal_interrupts_but_a_second_hangup(rng, tmp_path):
    with pytest.raises(Interrupt) as caught:
        fit_with(signal.SIGTERM, rng, times=2, folder=tmp_path / "run")
    assert caught.value.number == signal.SIGTERM
    assert read_status(tmp_path / "run")["status"] == "interrupted"
    seen = []
    signal.signal(signal.SIGHUP, lambda *arguments: seen.append(1))
    assert fit_with(signal.SIGHUP, rng, times=3).interrupted
    assert seen == [1]


def test_handlers_are_put_back(handlers, rng):
    fit_with(signal.SIGINT, rng)
    assert {number: signal.getsignal(number) for number in STOPPING} == handlers
    with pytest.raises(Interrupt, match="stopped by SIGTERM"), raising_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in STOPPING} == handlers


def test_the_first_signal_is_only_noted():
    with Stopping() as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.received == signal.SIGINT
        with pytest.raises(Interrupt, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)


class Sends:
    """Sends a signal when it is deleted."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)


def send_in_callback():
    thing = set()
    of_thing = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    del thing
    assert of_thing() is None


def sleep_after(sends):
    with raising_signals():
        sends()
        time.sleep(30)


@pytest.mark.parametrize("sends", [Sends, send_in_callback])
def test_what_is_raised_where_exceptions_are_lost_is_raised_once_more(sends, capsys):
    hook = sys.unraisablehook
    with pytest.raises(Interrupt, match="SIGTERM"):
        sleep_after(sends)
    assert "ignored" not in capsys.readouterr().err
    assert sys.unraisablehook is hook


def test_other_exceptions_that_are_lost_are_reported(monkeypatch):
    class Fails:
        def __del__(self):
            raise ValueError("lost")

    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: seen.append(str(lost.exc_value)))
    with raising_signals():
        Fails()
    assert seen == ["lost"]
