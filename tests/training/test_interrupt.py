"""Trainings that end early: Ctrl-C and NaN."""

import os
import signal

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import patterns, small_vae


def test_ctrl_c_ends_after_the_step_and_keeps_what_was_learnt(rng, caplog):
    images, steps = patterns(rng), []

    def press(step):
        steps.append(step)
        if step == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    before = signal.getsignal(signal.SIGINT)
    bound = gv.ELBO(small_vae())
    start = bound.vae.generator.logits_head.weight.data().asnumpy()
    history = gv.fit(bound, images, images, epochs=50, batch_size=25, learning_rate=press, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    assert history.interrupted
    assert len(history) == 2
    assert steps[-1] == 9
    assert "interrupted in epoch 3, after 10 steps" in caplog.text
    assert (bound.vae.generator.logits_head.weight.data().asnumpy() != start).any()


@pytest.mark.parametrize(("last_step", "epochs", "finished"), [(3, 2, 1), (7, 2, 2)])
def test_ctrl_c_in_the_last_step_of_an_epoch_keeps_the_epoch(last_step, epochs, finished, rng):
    def press(step):
        if step == last_step:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    images = patterns(rng)
    history = gv.fit(
        gv.ELBO(small_vae()), images, images, epochs=epochs, batch_size=25, learning_rate=press, progress=False
    )
    assert len(history) == finished
    assert history.interrupted == (finished < epochs)


def test_second_ctrl_c_interrupts_at_once(rng):
    def press(step):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        gv.fit(
            gv.ELBO(small_vae()),
            patterns(rng),
            batch_size=50,
            learning_rate=lambda step: press(step) if step else 0.01,
            progress=False,
        )
    assert signal.getsignal(signal.SIGINT) is before


def test_nan_stops_before_it_reaches_the_parameters(rng):
    bound = gv.ELBO(small_vae())
    with pytest.raises(FloatingPointError, match=r"(objective|gradient) .* at step \d+ .*smaller learning rate"):
        gv.fit(bound, patterns(rng), epochs=50, batch_size=50, optimizer="sgd", learning_rate=1e18, progress=False)
    assert all(np.isfinite(p.data().asnumpy()).all() for p in bound.vae.collect_params().values())


def test_a_bound_that_is_not_finite_leaves_the_parameters_alone(rng):
    bound = gv.ELBO(small_vae())
    bias = bound.vae.inference_net.mean_head[-1].bias
    bias.set_data(mx.nd.full(bias.shape, np.nan))
    before = bound.vae.generator.logits_head.weight.data().asnumpy()
    with pytest.raises(FloatingPointError):
        gv.fit(bound, patterns(rng), epochs=1, batch_size=50, progress=False)
    np.testing.assert_array_equal(bound.vae.generator.logits_head.weight.data().asnumpy(), before)
