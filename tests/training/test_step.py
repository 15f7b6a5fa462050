"""Steps asked of a device that is not waited for, as ``fit`` does on a GPU: tried on the CPU."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.batches import Batch
from gluonvae.training import step as stepper
from gluonvae.training.trainers import UNFIT_OPTIMIZERS
from tests.helpers import nd, small_vae


def data(rng):
    return (rng.random((210, 12)) < np.linspace(0.05, 0.95, 12)).astype("float32")


def trained(data, **changes):
    gv.seed(3)
    bound = gv.ELBO(small_vae())
    bound.hybridize(static_alloc=True, static_shape=True)
    options = {"epochs": 3, "batch_size": 20, "learning_rate": 1e-2, "progress": False, **changes}
    history = gv.fit(bound, data, data[:50], **options)
    return history, [p.data().asnumpy() for p in bound.collect_params().values()]


@pytest.mark.parametrize("unread", [2, 4, 1000])
def test_reading_later_changes_no_number(unread, rng, monkeypatch):
    pixels = data(rng)
    expected, parameters = trained(pixels)
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: unread)
    history, same = trained(pixels)
    for column in ("train_bound", "train_log_likelihood", "train_kl", "valid_bound"):
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-6)
    for got, want in zip(same, parameters):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("unread", [1, 4, 25])
def test_a_step_that_is_not_finite_is_told_and_what_was_sound_comes_back(unread, rng, monkeypatch):
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: unread)
    monkeypatch.setattr(stepper, "KEPT_EACH", 4)
    gv.seed(3)
    bound = gv.ELBO(small_vae())
    seen = []

    def rate(step):
        seen.append([p.data().asnumpy() for p in bound.collect_params().values()])
        return 1e-3 if step < 10 else 1e30

    with pytest.raises(FloatingPointError, match=r"at step (\d+) .* before step (\d+)\.") as error:
        gv.fit(bound, data(rng), epochs=3, batch_size=20, learning_rate=rate, optimizer="sgd", progress=False)
    before = int(str(error.value).split("are those before step ")[1].split(".")[0])
    wrong = int(str(error.value).split("at step ")[1].split(" ")[0])
    assert (wrong, before) == (error.value.step, error.value.parameters_before)
    # step 11 takes the first bad rate: what is kept is from before it, and at most two copies old
    assert wrong > 11 >= before >= wrong - 2 * max(unread, 4)
    # seen[0] is of the constructor, seen[n] of step n
    for parameter, want in zip(bound.collect_params().values(), seen[before]):
        np.testing.assert_array_equal(parameter.data().asnumpy(), want)


def fitted(rng, **options):
    bound = gv.ELBO(small_vae())
    before = [p.data().asnumpy() for p in bound.collect_params().values()]
    history = gv.fit(bound, data(rng), epochs=2, batch_size=20, progress=False, **options)
    return history, before, [p.data().asnumpy() for p in bound.collect_params().values()]


FROM_ZERO = {
    "linear": lambda: gv.schedules.linear(0, 1e-2, 10),
    "cyclical": lambda: gv.schedules.cyclical(20, 1, end=1e-2),
    "MXNet's cosine, warmed up": lambda: mx.lr_scheduler.CosineScheduler(
        30, base_lr=1e-2, warmup_steps=10, warmup_begin_lr=0
    ),
    "0 for a while": lambda: lambda step: 0.0 if step < 5 else 1e-2,
}


@pytest.mark.parametrize("name", FROM_ZERO)
def test_a_rate_may_rise_from_0(name, rng):
    history, before, after = fitted(rng, learning_rate=FROM_ZERO[name]())
    assert history["train_bound"][1] > history["train_bound"][0]
    assert any(not np.array_equal(one, two) for one, two in zip(before, after))


OPTIMIZERS = sorted(set(mx.optimizer.Optimizer.opt_registry) - UNFIT_OPTIMIZERS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_rate_of_0_makes_no_optimizer_fail(optimizer, rng):
    """Of some the update divides by the rate."""
    _, before, after = fitted(rng, learning_rate=lambda step: 0.0, optimizer=optimizer)
    for one, two in zip(before, after):
        assert np.isfinite(two).all()
        if optimizer != "adadelta":  # which has no rate
            np.testing.assert_array_equal(one, two)


WRONG_RATES = {"negative": -1e-3, "NaN": np.nan, "infinite": np.inf, "minus infinite": -np.inf}


@pytest.mark.parametrize("name", WRONG_RATES)
@pytest.mark.parametrize("start", [0, 5])
def test_a_rate_that_cannot_be_is_refused_when_it_appears(name, start, rng):
    bound, seen = gv.ELBO(small_vae()), []

    def rate(step):
        seen.append([p.data().asnumpy() for p in bound.collect_params().values()])
        return 1e-3 if step < start else WRONG_RATES[name]

    with pytest.raises(
        ValueError, match=rf"^learning_rate must be .* not negative, got {WRONG_RATES[name]} at step {start + 1}$"
    ):
        gv.fit(bound, data(rng), batch_size=20, learning_rate=rate, progress=False)
    for parameter, want in zip(bound.collect_params().values(), seen[-1]):
        np.testing.assert_array_equal(parameter.data().asnumpy(), want)


@pytest.mark.parametrize("rate", [0, 0.0, -1e-3, np.nan, np.inf])
def test_a_constant_rate_that_cannot_be_is_refused_at_once(rate, rng):
    with pytest.raises(ValueError, match="learning_rate must be"):
        fitted(rng, learning_rate=rate)


@pytest.mark.parametrize("value", [None, "fast", [1e-3, 1e-4]])
@pytest.mark.parametrize("what", ["learning_rate", "beta"])
def test_what_is_no_number_is_refused(what, value, rng):
    with pytest.raises(TypeError, match=f"{what} must be a number, got .* at step 4"):
        fitted(rng, **{what: lambda step: 1e-3 if step < 3 else value})


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, 1e39])
def test_a_weight_that_cannot_be_is_refused_when_it_appears(value, rng):
    with pytest.raises(ValueError, match=r"beta must be a finite number, not negative, got .* at step 4"):
        fitted(rng, beta=lambda step: 1.0 if step < 3 else value)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, 1e-50])
def test_a_temperature_that_float32_takes_for_0_is_refused_too(value, rng):
    vae = small_vae(latent_type="relaxed_bernoulli", prior="codes")
    with pytest.raises(ValueError, match=r"temperature must be a positive number, got .* at step 3"):
        gv.fit(
            gv.ELBO(vae), data(rng), weights={"temperature": lambda step: 0.5 if step < 2 else value}, progress=False
        )


def test_what_was_not_read_yet_is_read_in_the_end(rng, monkeypatch):
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: 1000)
    bound = gv.ELBO(small_vae())
    taken = stepper.Stepper(bound, "sgd", 1e-2, {})
    batches = [data(rng)[start : start + 20] for start in range(0, 100, 20)]
    for batch in batches:
        taken.step(Batch(nd(batch), None))
    assert taken.seen == 20  # the first step is read at once: most of what is wrong shows there
    taken.read()
    assert taken.seen == 100
    assert np.isfinite(taken.sums).all()


THREADED = """
import json
import numpy as np
import gluonvae as gv
from gluonvae.batches import Batch
from gluonvae.training import step as stepper
from gluonvae.training.trainers import UNFIT_OPTIMIZERS
from gluonvae.backend.runtime import engine_is_naive

assert not engine_is_naive()
stepper.steps_unread = lambda ctx: 7
rng = np.random.default_rng(0)
data = (rng.random((210, 12)) < np.linspace(0.05, 0.95, 12)).astype("float32")
gv.seed(3)
vae = gv.construct_vae(
    generator_layer_sizes=[5, 6], infer_layer_sizes=[6, 5], latent_variable_size=4, data_dims=12
)
vae.initialize()
bound = gv.ELBO(vae)
bound.hybridize(static_alloc=True, static_shape=True)
history = gv.fit(bound, data, data[:50], epochs=3, batch_size=20, learning_rate=1e-2, progress=False)
print(json.dumps(history["train_bound"] + history["valid_bound"]))
"""


def test_the_threaded_engine_trains_the_same():
    """In a process of its own, as the engine is chosen when mxnet is imported."""
    environment = {**os.environ, "GLUONVAE_RUNTIME": "off"}
    for name in ("MXNET_ENGINE_TYPE", "OMP_NUM_THREADS"):
        environment.pop(name, None)
    answer = subprocess.run(
        [sys.executable, "-c", THREADED], env=environment, capture_output=True, text=True, check=True
    )
    history, _ = trained(data(np.random.default_rng(0)))
    np.testing.assert_allclose(json.loads(answer.stdout), history["train_bound"] + history["valid_bound"], rtol=1e-5)


WAITING = ("MXNDArraySyncCopyToCPU", "MXNDArraySyncCopyFromCPU", "MXNDArrayWaitToRead", "MXNDArrayWaitAll")
"""All by which MXNet's Python waits for a device, or for a copy to it."""


class CountedLibrary:
    """MXNet's library, with the calls counted that wait for a device."""

    def __init__(self, library):
        self.library, self.waits = library, 0

    def __getattr__(self, name):
        self.waits += name in WAITING
        return getattr(self.library, name)


@pytest.mark.parametrize("weights", [{}, {"beta": lambda step: step / 30}])
def test_python_waits_for_the_device_once_in_so_many_steps_only(weights, rng, monkeypatch):
    """With what a GPU has: MXNet's own Adam, noise drawn on the device, terms read later."""
    pixels = nd(data(rng))
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: 10)
    monkeypatch.setattr("gluonvae.noise.is_gpu", lambda ctx: True)
    bound = gv.ELBO(small_vae())
    bound.hybridize(static_alloc=True, static_shape=True)
    taken = stepper.Stepper(bound, "adam", 1e-3, weights)
    taken.step(Batch(pixels[:20], None))  # looks at the values of an epoch's first batch, which on a GPU is left out
    library = CountedLibrary(mx.base._LIB)
    for module in (mx.base, mx.ndarray.ndarray, mx.ndarray, mx._ctypes.ndarray, mx.autograd):
        if hasattr(module, "_LIB"):
            monkeypatch.setattr(module, "_LIB", library)
    for step in range(1, 31):
        taken.step(Batch(pixels[20:40], None))
        assert library.waits == step // 10
    taken.read()
    assert library.waits == 3  # the last step was read already
    taken.step(Batch(pixels[20:40], None))
    taken.read()
    assert library.waits == 4
    assert taken.seen == 32 * 20


@pytest.mark.parametrize("wrong", [0, 1])
def test_what_a_data_set_of_ones_own_gives_is_looked_at_once_an_epoch(wrong, rng):
    """Its pixels were looked at beforehand, what its ``batch`` makes of them was not."""

    class Grey(gv.data.Dataset):
        epochs = 0

        def batch(self, rows, source=None):
            self.epochs += rows is not None and len(rows) == 150
            return super().batch(rows, source) * (0.5 if self.epochs > wrong else 1)

    bound = gv.ELBO(small_vae())
    bound.hybridize()  # until then each call of the model looks at its input
    with pytest.raises(ValueError, match="data must be 0 or 1 everywhere"):
        gv.fit(bound, Grey(data(rng)[:150]), epochs=wrong + 1, batch_size=150, progress=False)


def test_a_likelihood_that_gives_no_zeros_and_ones_is_told_before_the_first_step(rng):
    class Positive(gv.ProductOfBernoullisGenerator):
        def check_support(self, name, values):
            if (values <= 0).any():
                raise ValueError(f"{name} must be positive")

    vae = gv.GaussianVAE(Positive(12, [5]), gv.GaussianInferenceNetwork(4, [5], data_dims=12))
    vae.initialize()
    with pytest.raises(ValueError, match="train must be positive"):
        gv.fit(gv.ELBO(vae), gv.data.Dataset(rng.random((30, 12))), batch_size=10, progress=False)
