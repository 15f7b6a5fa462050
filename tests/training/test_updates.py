"""Gradients accumulated and clipped, parameters averaged: by hand, and resumed to the bit."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.callbacks import Callback
from gluonvae.training.checkpoint import CheckpointError
from tests.helpers import MODES, nd, patterns, set_mode, small_vae
from tests.helpers.runs import copy_at

pytestmark = pytest.mark.usefixtures("fast_disk")


def start(mode="imperative"):
    gv.seed(4)
    bound = gv.ELBO(small_vae())
    set_mode(bound, mode)
    return bound


def trained(images, mode="imperative", **options):
    bound = start(mode)
    options = {"epochs": 1, "batch_size": 20, "optimizer": "sgd", "learning_rate": 0.1, "progress": False, **options}
    return bound, gv.fit(bound, gv.data.Dataset(images, binarization="none"), **options)


def values(block):
    return {name: p.data().asnumpy() for name, p in block._collect_params_with_prefix().items() if p.grad_req != "null"}


def assert_close(one, other, **tolerance):
    for name, value in values(one).items():
        np.testing.assert_allclose(value, values(other)[name], err_msg=name, **tolerance)


def assert_same(one, other):
    for name, value in values(one).items():
        np.testing.assert_array_equal(value, values(other)[name], err_msg=name)


class Recording(Callback):
    """The parameters after each step."""

    def __init__(self):
        self.seen = []

    def on_step(self, training):
        self.seen.append(values(training.vae))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("batch_size", "accumulate"), [(10, 2), (5, 4), (15, 2), (7, 9)])
def test_accumulated_batches_are_one_large_batch(batch_size, accumulate, mode, rng):
    """Noise is drawn row after row, so that of the small batches is that of the large one; 15 and 5 rows, too, and an
    epoch that ends before the last of nine batches."""
    images = patterns(rng, 20)
    large = trained(images, mode, batch_size=20, epochs=2)[0]
    small = trained(images, mode, batch_size=batch_size, accumulate=accumulate, epochs=2)[0]
    assert_close(small, large, rtol=1e-4, atol=1e-6)


def test_parameters_wait_for_the_last_batch(rng):
    recording = Recording()
    before = values(start().vae)
    trained(patterns(rng, 60), batch_size=10, accumulate=3, callbacks=[recording])
    changed = [
        any((one[name] != other[name]).any() for name in one)
        for one, other in zip([before, *recording.seen], recording.seen)
    ]
    assert changed == [False, False, True, False, False, True]


def gradients(bound, images):
    """The mean gradient over one batch, with the order and the noise of fit."""
    data = nd(images[gv.noise.source.permutation(len(images))])
    with mx.autograd.record():
        loss = -bound(data)
    loss.backward()
    return {
        name: p.grad().asnumpy() / len(images)
        for name, p in bound._collect_params_with_prefix().items()
        if p.grad_req != "null"
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("clip_norm", [0.05, 1e4])
@pytest.mark.parametrize("as_on_gpu", [False, True])
def test_the_gradient_is_clipped_by_its_global_norm(as_on_gpu, clip_norm, mode, rng, monkeypatch):
    if as_on_gpu:
        monkeypatch.setattr("gluonvae.training.updates.is_gpu", lambda ctx: True)
    images = patterns(rng, 20)
    bound = start(mode)
    before, mean = values(bound), gradients(bound, images)
    norm = np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in mean.values()))
    assert 0.05 < norm < 1e4
    after = values(trained(images, mode, clip_norm=clip_norm)[0])
    for name, gradient in mean.items():
        expected = before[name] - 0.1 * gradient * min(1, clip_norm / norm)
        np.testing.assert_allclose(after[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)


def test_what_is_clipped_is_the_accumulated_gradient(rng):
    images = patterns(rng, 20)
    large = trained(images, batch_size=20, clip_norm=0.05)[0]
    assert_close(trained(images, batch_size=5, accumulate=4, clip_norm=0.05)[0], large, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_average_is_that_of_the_parameters_after_each_update(mode, rng):
    images, recording = patterns(rng, 80), Recording()
    bound, _ = trained(images, mode, epochs=4, callbacks=[recording], ema=0.7)
    expected = {name: value.astype(np.float64) for name, value in recording.seen[0].items()}
    decays = [min(0.7, t / (9 + t)) for t in range(2, 17)]
    assert len(set(decays)) == 15
    for decay, seen in zip(decays, recording.seen[1:]):
        expected = {name: decay * value + (1 - decay) * seen[name] for name, value in expected.items()}
    for name, value in values(bound.vae).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_average_of_kernels_that_are_used_for_prediction_in_between(rng):
    """oneDNN moves them into an order of its own."""
    gv.seed(4)
    vae = gv.construct_vae(
        generator_layer_sizes=[4], infer_layer_sizes=None, latent_variable_size=2, data_dims=64, data_shape=(8, 8),
        infer_body="conv",
    )  # fmt: skip
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    images, recording = (rng.random((40, 8, 8)) < 0.3).astype(np.float32), Recording()
    data = gv.data.Dataset(images, binarization="none")
    options = {"epochs": 3, "batch_size": 20, "callbacks": [recording], "ema": 0.6, "progress": False}
    gv.fit(bound, data, data, **options)
    expected = dict(recording.seen[0])
    for t, seen in enumerate(recording.seen[1:], 2):
        decay = min(0.6, t / (9 + t))
        expected = {name: decay * value + (1 - decay) * seen[name] for name, value in expected.items()}
    assert any(value.ndim == 4 for value in expected.values())
    for name, value in values(vae).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_the_average_changes_nothing_of_the_training_and_is_validated(rng):
    images, without, with_average = patterns(rng, 60), Recording(), Recording()
    valid = gv.data.Dataset(images[:20], binarization="none")
    trained(images, epochs=3, callbacks=[without], valid=valid)
    bound, history = trained(images, epochs=3, callbacks=[with_average], valid=valid, ema=0.9)
    for one, other in zip(without.seen, with_average.seen):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)
    assert gv.evaluate(bound, valid).bound == history["valid_bound"][-1]
    last = without.seen[-1]
    assert any((value != last[name]).any() for name, value in values(bound.vae).items())


def test_a_callback_has_the_averages_where_it_asks(rng):
    bounds, images = [], patterns(rng, 60)
    valid = gv.data.Dataset(images[:20], binarization="none")

    class Evaluating(Callback):
        def on_epoch(self, training, metrics):
            own = gv.evaluate(training.bound, valid).bound
            with training.averaged():
                bounds.append((own, gv.evaluate(training.bound, valid).bound, metrics["valid_bound"]))
            assert gv.evaluate(training.bound, valid).bound == own

    trained(images, epochs=2, callbacks=[Evaluating()], valid=valid, ema=0.9)
    for own, averaged, reported in bounds:
        assert averaged == reported != own


KINDS = {
    "accumulate": {"accumulate": 3},
    "ema": {"ema": 0.9},
    "all": {"accumulate": 2, "ema": 0.99, "clip_norm": 0.5, "restore_best": True},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("step", "optimizer"), [(0, "rmsprop"), (1, "adam"), (4, "rmsprop"), (5, "adam"), (8, "rmsprop")]
)
def test_resumed_to_the_bit(kind, step, optimizer, rng, tmp_path):
    """After 4 steps an epoch has ended, of which a step is left over where three are accumulated."""
    images = patterns(rng, 60)
    options = {"epochs": 3, "batch_size": 16, "optimizer": optimizer, **KINDS[kind]}
    options["valid"] = gv.data.Dataset(images[:20], binarization="none")
    rate = copy_at(step, tmp_path / "run", tmp_path / "killed")
    whole, history = trained(
        images, folder=tmp_path / "run", checkpoint_minutes=1e-9, **{**options, "learning_rate": rate}
    )
    again, resumed = trained(images, resume=tmp_path / "killed", **{**options, "learning_rate": 0.01})
    assert_same(whole, again)
    assert resumed["valid_bound"] == history["valid_bound"]
    for name in ("model.params", "best.params"):
        parameters = [mx.nd.load(str(tmp_path / folder / name)) for folder in ("run", "killed")]
        for key, value in parameters[0].items():
            np.testing.assert_array_equal(value.asnumpy(), parameters[1][key].asnumpy(), err_msg=f"{name} {key}")


def test_an_epoch_that_was_cut_before_its_last_update(rng, tmp_path):
    """The gradients of the last batches are in the checkpoint; no backward pass comes before their update."""
    images = patterns(rng, 60)
    options = {"epochs": 2, "batch_size": 20, "accumulate": 2, "learning_rate": 0.1}

    class Cut(Callback):
        def on_step(self, training):
            if training.steps_taken == 3:
                raise RuntimeError("cut")

    whole, _ = trained(images, **options)
    with pytest.raises(RuntimeError, match="cut"):
        trained(images, folder=tmp_path / "run", callbacks=[Cut()], **options)
    assert_same(trained(images, resume=tmp_path / "run", **options)[0], whole)


def test_the_run_has_the_averages(rng, tmp_path):
    bound, _ = trained(patterns(rng, 60), epochs=2, folder=tmp_path / "run", ema=0.9)
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    assert_same(bound.vae, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": None}, "its decay of the average is 0.9, here it is None"),
        ({"accumulate": 2}, "its number of batches an update is 1, here it is 2"),
    ],
)
def test_another_training_is_not_resumed(options, message, rng, tmp_path):
    images = patterns(rng, 40)
    trained(images, folder=tmp_path / "run", ema=0.9)
    with pytest.raises(CheckpointError, match=message):
        trained(images, resume=tmp_path / "run", **{"ema": 0.9, **options})


ERRORS = {
    "no batch": ({"accumulate": 0}, "accumulate must be positive, got 0"),
    "norm": ({"clip_norm": 0.0}, "clip_norm must be positive, got 0.0"),
    "NaN": ({"clip_norm": np.nan}, "clip_norm must be a finite number"),
    "decay": ({"ema": 1}, "ema must lie between 0 and 1, such as 0.999, got 1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name, rng):
    options, message = ERRORS[name]
    with pytest.raises(ValueError, match=message):
        trained(patterns(rng, 20), **options)
