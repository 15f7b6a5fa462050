"""A training that was stopped and resumed ends as the one that was never stopped, to the bit."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training.checkpoint import CheckpointError
from gluonvae.training.trainers import UNFIT_OPTIMIZERS
from tests.helpers import patterns, small_vae
from tests.helpers.runs import copy_at

pytestmark = pytest.mark.usefixtures("fast_disk")

EPOCHS, BATCH = 4, 16
STEPS = EPOCHS * 4
TIMES = {"images_per_second", "seconds"}


def with_body(*layers):
    body = mx.gluon.nn.HybridSequential()
    body.add(mx.gluon.nn.Dense(6, in_units=12, activation="tanh"), *layers)
    return gv.VAE(
        gv.ProductOfBernoullisGenerator(12, [6], latent_variable_size=3),
        gv.GaussianInferenceNetwork(3, body, data_dims=12),
    )


def quantized():
    return gv.VAE(
        gv.ProductOfBernoullisGenerator(12, [6]),
        gv.VectorQuantizedInferenceNetwork(4, [6], code_size=2, codes=5),
        gv.CodebookPrior(),
    )


def discrete():
    return gv.VAE(gv.ProductOfBernoullisGenerator(12, [6]), gv.BernoulliInferenceNetwork(4, [6]), gv.CodePrior())


BOUNDS = {
    "elbo": lambda: gv.ELBO(small_vae()),
    "iwae": lambda: gv.IWAE(small_vae(), samples=3, gradient="dreg"),
    "dropout": lambda: gv.ELBO(with_body(mx.gluon.nn.Dropout(0.5))),
    "batch norm": lambda: gv.ELBO(with_body(mx.gluon.nn.BatchNorm(in_channels=6))),
    "nvil": lambda: gv.NVIL(discrete()),
    "vq": lambda: gv.VQELBO(quantized()),
}


def initialized(make):
    gv.seed(3)
    bound = make()
    if bound.vae._first_parameter._data is None:
        bound.vae.initialize()
    return bound


def train(make, images, mode=None, **options):
    """Return the bound and the history of a training that starts from a seed."""
    bound = initialized(make)
    if mode:
        bound.hybridize(static_alloc=True, static_shape=True)
    valid = gv.data.Dataset(images[:20], binarization="none")
    options = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.01, **options}
    return bound, gv.fit(bound, gv.data.Dataset(images * 0.9), valid, progress=False, **options)


def assert_same(one, other, folders=()):
    (bound, history), (other_bound, other_history) = one, other
    names = bound._collect_params_with_prefix()
    for name, parameter in other_bound._collect_params_with_prefix().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), names[name].data().asnumpy(), err_msg=name)
    rows = [[{k: v for k, v in row.items() if k not in TIMES} for row in h.rows] for h in (history, other_history)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == EPOCHS


# each kind in both modes, and killed before its first step and later
@pytest.mark.parametrize(("mode", "step"), [(None, 7), ("hybrid", 0)])
@pytest.mark.parametrize("kind", BOUNDS)
def test_a_killed_training_is_resumed_to_the_bit(kind, mode, step, rng, tmp_path):
    images = patterns(rng, 60)
    whole = train(BOUNDS[kind], images, mode, folder=tmp_path / "whole", checkpoint_minutes=1e-9)
    again = tmp_path / "killed"
    rate = copy_at(step, tmp_path / "run", again)
    train(BOUNDS[kind], images, mode, folder=tmp_path / "run", learning_rate=rate, checkpoint_minutes=1e-9)
    gv.noise.source.normal((7, 3))  # as another process, which has drawn other numbers
    mx.random.seed(5)
    resumed = train(BOUNDS[kind], images, mode, resume=again)
    assert_same(whole, resumed)


def test_the_folder_changes_nothing(rng, tmp_path):
    images = patterns(rng, 60)
    assert_same(train(BOUNDS["elbo"], images), train(BOUNDS["elbo"], images, folder=tmp_path / "run"))


# MXNet's adamax divides by 0 where a gradient is 0; ccsgd is another name of sgd
FIT = sorted(set(mx.optimizer.Optimizer.opt_registry) - UNFIT_OPTIMIZERS - {"adamax", "ccsgd", "lbsgd"})


@pytest.mark.parametrize("optimizer", FIT)
def test_every_optimizer_is_resumed_to_the_bit(optimizer, rng, tmp_path):
    images, make = patterns(rng, 60), BOUNDS["elbo"]
    again = tmp_path / "killed"
    rate = copy_at(6, tmp_path / "run", again, lambda step: 0.01)
    options = {"optimizer": optimizer, "checkpoint_minutes": 1e-9}
    whole = train(make, images, folder=tmp_path / "run", learning_rate=rate, **options)
    assert_same(whole, train(make, images, resume=again, optimizer=optimizer))


def test_an_optimizer_whose_state_cannot_be_saved_is_refused(rng, tmp_path):
    with pytest.raises(ValueError, match="lbsgd keeps what no checkpoint can hold"):
        train(BOUNDS["elbo"], patterns(rng, 60), folder=tmp_path / "run", optimizer="lbsgd")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("step", [3, 11])
@pytest.mark.parametrize("schedule", ["factor", "cosine", "gluoncv"])
def test_schedules_go_on(schedule, step, rng, tmp_path):
    images, make, again = patterns(rng, 60), BOUNDS["elbo"], tmp_path / "killed"
    schedules = {
        "factor": lambda: mx.lr_scheduler.FactorScheduler(3, factor=0.5, base_lr=0.01),
        # after its last step MXNet's returns the last rate that it computed
        "cosine": lambda: mx.lr_scheduler.CosineScheduler(9, base_lr=0.01, final_lr=0.001),
        "gluoncv": lambda: gv.schedules.cyclical(STEPS, 2),
    }
    beta = schedules[schedule]()
    weights = {"beta": copy_at(step, tmp_path / "run", again, lambda taken: 1.0)}
    options = {"learning_rate": beta, "checkpoint_minutes": 1e-9, "weights": weights}
    if schedule == "gluoncv":
        options = {"checkpoint_minutes": 1e-9, "learning_rate": copy_at(step, tmp_path / "run", again), "beta": beta}
    whole = train(make, images, folder=tmp_path / "run", **options)
    name = "beta" if schedule == "gluoncv" else "learning_rate"
    assert_same(whole, train(make, images, resume=again, **{name: schedules[schedule]()}))


def test_the_best_epoch_is_kept(rng, tmp_path):
    """A rate that ruins what was learnt: the parameters of the best epoch are still there."""
    images = patterns(rng, 60)
    rate = lambda step: 0.02 if step < 8 else 3.0  # noqa: E731
    bound, history = train(BOUNDS["elbo"], images, folder=tmp_path / "run", learning_rate=rate, optimizer="adam")
    best = max(history["valid_bound"])
    assert best > history["valid_bound"][-1] + 1
    bound.vae.load_parameters(str(tmp_path / "run" / "best.params"))
    valid = gv.data.Dataset(images[:20], binarization="none")
    assert gv.evaluate(bound, valid).bound == pytest.approx(best, rel=1e-6)


def test_a_finished_training_is_extended(rng, tmp_path):
    images, make = patterns(rng, 60), BOUNDS["elbo"]
    whole = train(make, images)
    train(make, images, epochs=2, folder=tmp_path / "run")
    assert_same(whole, train(make, images, resume=tmp_path / "run"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 8}, "its batch size is 16, here it is 8"),
        ({"optimizer": "sgd"}, "its optimizer is Adam, here it is SGD"),
    ],
)
def test_another_training_is_not_resumed(options, message, rng, tmp_path):
    images, make = patterns(rng, 60), BOUNDS["elbo"]
    train(make, images, folder=tmp_path / "run")
    with pytest.raises(CheckpointError, match=message):
        train(make, images, resume=tmp_path / "run", **options)
    with pytest.raises(CheckpointError, match="its data is"):
        train(make, images[::-1], resume=tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"of another model: vae\.generator\.body\.0\.bias"):
        train(lambda: gv.ELBO(with_body()), images, resume=tmp_path / "run")
