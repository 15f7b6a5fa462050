"""The training loop: repeatable, tidy about ragged batches, and what it reports."""

import logging
import weakref

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training import loop
from gluonvae.training.loop import random_order
from tests.helpers import MODES, nd, patterns, pixels, set_mode, small_vae


def trained(mode, seed, images, **options):
    gv.seed(seed)
    bound = gv.ELBO(small_vae())
    set_mode(bound, mode)
    history = gv.fit(bound, gv.data.Dataset(images * 0.9), epochs=3, batch_size=16, progress=False, **options)
    return [parameter.data().asnumpy() for parameter in bound.vae.collect_params().values()], history


@pytest.mark.parametrize("mode", MODES)
def test_same_seed_same_parameters_to_the_bit(mode, rng):
    images = patterns(rng)
    first, second, other = (trained(mode, seed, images)[0] for seed in (5, 5, 6))
    for one, two, three in zip(first, second, other):
        np.testing.assert_array_equal(one, two)
        assert (one != three).any()


def test_all_modes_train_alike(rng):
    images = patterns(rng)
    expected = trained("imperative", 5, images)[0]
    for mode in MODES:
        for got, want in zip(trained(mode, 5, images)[0], expected):
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


def test_validation_does_not_change_what_is_learnt(rng):
    images = patterns(rng)
    with_validation, without = trained("hybrid", 5, images, valid=images)[0], trained("hybrid", 5, images)[0]
    for one, two in zip(with_validation, without):
        np.testing.assert_array_equal(one, two)


def test_the_bound_improves_and_the_history_says_so(rng):
    images = patterns(rng, 300)
    bound = gv.ELBO(small_vae())
    history = gv.fit(bound, images[:250], images[250:], epochs=30, batch_size=16, learning_rate=0.01, progress=False)
    assert len(history) == 30
    assert history["epoch"] == list(range(1, 31))
    assert history["train_bound"][-1] > history["train_bound"][0] + 2
    assert history["valid_bound"][-1] > history["valid_bound"][0] + 2
    assert set(history.rows[0]) == {
        *(f"{part}_{term}" for part in ("train", "valid") for term in ("bound", "log_likelihood", "kl")),
        "epoch", "learning_rate", "images_per_second", "seconds",
    }  # fmt: skip
    for part in ("train", "valid"):
        difference = np.array(history[f"{part}_log_likelihood"]) - history[f"{part}_kl"]
        np.testing.assert_allclose(history[f"{part}_bound"], difference, rtol=1e-5)
    with pytest.raises(ValueError, match="did you mean 'train_bound'"):
        history["train_bond"]


@pytest.mark.parametrize("batch_size", [1, 33, 100])
def test_every_image_is_seen_once_an_epoch_in_a_new_order(batch_size, rng):
    images = patterns(rng)
    seen = []

    class Spy(gv.data.Dataset):
        def batch(self, rows, source=None):
            if isinstance(rows, np.ndarray):
                seen.append(rows)
            return super().batch(rows, source)

    gv.fit(gv.ELBO(small_vae()), Spy(images), epochs=2, batch_size=batch_size, progress=False)
    assert {len(rows) for rows in seen} == ({33, 1} if batch_size == 33 else {batch_size})
    order = np.concatenate(seen).reshape(2, 100)
    np.testing.assert_array_equal(np.sort(order), [np.arange(100)] * 2)
    assert (order[0] != order[1]).any()


def test_one_step_of_fit_is_the_readmes_own_loop(rng):
    """One full batch of SGD: fit does what the five lines of a user's own loop do."""
    images = patterns(rng, 20)

    def start():
        gv.seed(4)
        return gv.ELBO(small_vae())

    bound = start()
    gv.fit(bound, images, epochs=1, batch_size=20, optimizer="sgd", learning_rate=0.1, progress=False)
    other = start()
    data = nd(images[gv.noise.source.permutation(20)])
    trainer = gv.Trainer(other.vae.collect_params(), "sgd", {"learning_rate": 0.1})
    with mx.autograd.record():
        loss = -other(data)
    loss.backward()
    trainer.step(20)
    for one, two in zip(bound.vae.collect_params().values(), other.vae.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_ragged_last_batch_weighs_each_of_its_images_alike(rng):
    """Two steps of SGD, on 15 and on 5 images: each step is the mean gradient over its own batch."""
    images = patterns(rng, 20)
    gv.seed(4)
    bound = gv.ELBO(small_vae())
    gv.fit(bound, images, epochs=1, batch_size=15, optimizer="sgd", learning_rate=0.1, progress=False)
    gv.seed(4)
    other = gv.ELBO(small_vae())
    order = gv.noise.source.permutation(20)
    for rows in (order[:15], order[15:]):
        with mx.autograd.record():
            loss = -other(nd(images[rows])).mean()
        loss.backward()
        for parameter in other.vae.collect_params().values():
            parameter.set_data(parameter.data() - 0.1 * parameter.grad())
    for one, two in zip(bound.vae.collect_params().values(), other.vae.collect_params().values()):
        np.testing.assert_allclose(one.data().asnumpy(), two.data().asnumpy(), rtol=1e-5, atol=1e-6)


def test_what_is_reported_is_the_bound_whatever_its_weight(rng):
    images = patterns(rng)
    bound = gv.ELBO(small_vae(), beta=7)
    history = gv.fit(bound, images, images[:50], epochs=2, batch_size=50, learning_rate=1e-3, progress=False)
    for part in ("train", "valid"):
        difference = np.array(history[f"{part}_log_likelihood"]) - history[f"{part}_kl"]
        np.testing.assert_allclose(history[f"{part}_bound"], difference, rtol=1e-5)
    estimate = gv.evaluate(bound, images[:50])
    assert estimate.bound == pytest.approx(estimate.log_likelihood - estimate.kl, rel=1e-5)
    assert history["valid_bound"][-1] == estimate.bound


def test_speed_in_the_history_is_measured(rng):
    history = gv.fit(gv.ELBO(small_vae()), patterns(rng), epochs=1, batch_size=5, progress=False)
    assert 1e-4 < history["seconds"][0] < 60
    assert history["images_per_second"][0] == pytest.approx(100 / history["seconds"][0])


def test_an_objective_s_own_parameters_are_trained(rng):
    class Shifted(gv.ELBO):
        def __init__(self, vae):
            super().__init__(vae)
            with self.name_scope():
                self.shift = self.params.get("shift", shape=(1,), init="zeros")

        def hybrid_forward(self, F, data, noise, shift, **weights):
            objective, *terms = super().hybrid_forward(F, data, noise, **weights)
            return (F.broadcast_sub(objective, F.square(shift - 1)), *terms)

    bound = Shifted(small_vae())
    gv.fit(bound, patterns(rng), epochs=1, batch_size=50, progress=False)
    assert bound.shift.data().asscalar() > 0


def test_schedules_are_followed(rng):
    bound, rates, betas = gv.ELBO(small_vae()), [], []

    def rate(step):
        return 0.01 / (1 + step)

    def beta(step):
        betas.append(bound.beta)
        return step / 10

    gv.fit(
        bound,
        patterns(rng, 40),
        epochs=2,
        batch_size=16,
        learning_rate=rate,
        beta=beta,
        progress=False,
        callbacks=[lambda metrics: rates.append(metrics["learning_rate"])],
    )
    assert rates == [rate(2), rate(5)]
    assert bound.beta == 0.5
    assert betas == [1, 0, 0.1, 0.2, 0.3, 0.4]


def test_log_and_callbacks(rng, caplog):
    caplog.set_level(logging.INFO, "gluonvae")
    rows = []
    history = gv.fit(
        gv.ELBO(small_vae()), patterns(rng), epochs=2, batch_size=50, callbacks=[rows.append], progress=False
    )
    assert rows == history.rows
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["epoch 1 of 2", "epoch 2 of 2"]


def test_progress_bar_shows_the_bound_and_its_terms(rng, capsys):
    images = patterns(rng)
    gv.fit(gv.ELBO(small_vae()), images, images, epochs=2, batch_size=50)
    shown = capsys.readouterr().err
    for part in ("epoch 2/2", "validation -", "bound -", "log-lik. -", "KL ", "img/s"):
        assert part in shown


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "nadam"])
def test_other_optimizers(optimizer, rng):
    history = gv.fit(gv.ELBO(small_vae()), patterns(rng), epochs=2, batch_size=50, optimizer=optimizer, progress=False)
    assert len(history) == 2


def test_data_as_ndarray(rng):
    assert len(gv.fit(gv.ELBO(small_vae()), pixels(rng, 20), epochs=1, batch_size=7, progress=False)) == 1


def test_the_order_of_an_epoch_is_freed_before_the_next_is_drawn(rng, monkeypatch):
    earlier, alive = [], []

    def draw(data):
        alive.append([order() is not None for order in earlier])
        order = random_order(data)
        earlier.append(weakref.ref(order))
        return order

    monkeypatch.setattr(loop, "random_order", draw)
    gv.fit(gv.ELBO(small_vae()), patterns(rng, 60), epochs=3, batch_size=20, progress=False)
    assert alive == [[], [False], [False, False]]
