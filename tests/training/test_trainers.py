"""What ``fit`` takes as its optimizer: a name with options, an optimizer of MXNet's, or a trainer."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import patterns, small_vae
from tests.helpers.runs import copy_at

pytestmark = pytest.mark.usefixtures("fast_disk")


def start():
    gv.seed(4)
    return gv.ELBO(small_vae())


def trained(images, bound=None, **options):
    bound = bound or start()
    gv.seed(5)
    options = {"epochs": 2, "batch_size": 20, "progress": False, **options}
    return bound, gv.fit(bound, gv.data.Dataset(images, binarization="none"), **options)


def own_loop(images, trainer_of, steps=6):
    """Gluon's own loop, with the order and the noise of fit."""
    bound = start()
    gv.seed(5)
    trainer = trainer_of(bound.collect_params())
    for _ in range(steps // 3):
        order = gv.noise.source.permutation(len(images))
        for rows in order.reshape(3, 20):
            data = mx.nd.array(images[rows])
            with mx.autograd.record():
                loss = -bound(data)
            loss.backward()
            trainer.step(20)
    return bound


def assert_same(one, other):
    others = other._collect_params_with_prefix()
    for name, parameter in one._collect_params_with_prefix().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), others[name].data().asnumpy(), err_msg=name)


NAMED = {
    "weight decay": ("sgd", {"wd": 0.1, "learning_rate": 0.05}),
    "momentum": ("sgd", {"momentum": 0.9, "learning_rate": 0.05}),
    "beta1": ("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4, "learning_rate": 0.01}),
    "clipping": ("rmsprop", {"clip_gradient": 0.01, "learning_rate": 0.01}),
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_with_options_is_gluons_trainer(kind, rng):
    name, options = NAMED[kind]
    images = patterns(rng, 60)
    expected = own_loop(images, lambda parameters: gv.Trainer(parameters, name, options))
    assert_same(trained(images, optimizer=name, optimizer_params=options)[0], expected)
    rate = options["learning_rate"]
    rest = {key: value for key, value in options.items() if key != "learning_rate"}
    assert_same(trained(images, optimizer=name, optimizer_params=rest, learning_rate=rate)[0], expected)


def test_an_optimizer_of_mxnets(rng):
    images = patterns(rng, 60)
    expected = own_loop(images, lambda parameters: mx.gluon.Trainer(parameters, "nag", {"learning_rate": 0.02}))
    bound, history = trained(images, optimizer=mx.optimizer.NAG(learning_rate=0.02))
    assert_same(bound, expected)
    assert history["learning_rate"] == [0.02, 0.02]
    assert_same(trained(images, optimizer=mx.optimizer.NAG(learning_rate=0.3), learning_rate=0.02)[0], expected)


def test_a_trainer_with_its_own_schedule(rng):
    """MXNet's scheduler counts updates from 1, as in Gluon's own loop."""
    images = patterns(rng, 60)

    def trainer_of(parameters):
        scheduler = mx.lr_scheduler.FactorScheduler(2, factor=0.5, base_lr=0.05)
        optimizer = mx.optimizer.SGD(learning_rate=0.05, lr_scheduler=scheduler)
        return mx.gluon.Trainer(parameters, optimizer)

    bound = start()
    _, history = trained(images, bound, optimizer=trainer_of(bound.collect_params()))
    assert_same(bound, own_loop(images, trainer_of))
    assert history["learning_rate"] == [0.025, 0.0125]
    scheduler = mx.lr_scheduler.FactorScheduler(2, factor=0.5, base_lr=0.05)
    by_name = trained(images, optimizer="sgd", optimizer_params={"lr_scheduler": scheduler})[0]
    for name, parameter in by_name._collect_params_with_prefix().items():
        expected = bound._collect_params_with_prefix()[name].data().asnumpy()
        np.testing.assert_allclose(parameter.data().asnumpy(), expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_trainer_of_the_generator_leaves_the_rest_alone(rng):
    bound, before = start(), start()
    trainer = mx.gluon.Trainer(bound.vae.generator.collect_params(), "adam", {"learning_rate": 0.01})
    trained(patterns(rng, 60), bound, optimizer=trainer)
    assert_same(bound.vae.inference_net, before.vae.inference_net)
    changed = bound.vae.generator.collect_params().values()
    for one, other in zip(changed, before.vae.generator.collect_params().values()):
        assert (one.data().asnumpy() != other.data().asnumpy()).any()


OWN = {
    "scheduler": lambda bound: mx.optimizer.Adam(
        learning_rate=0.01, lr_scheduler=mx.lr_scheduler.FactorScheduler(3, factor=0.5, base_lr=0.01)
    ),
    "trainer": lambda bound: mx.gluon.Trainer(bound.collect_params(), "nadam", {"learning_rate": 0.01}),
    "trainer of a part": lambda bound: gv.Trainer(bound.vae.generator.collect_params(), "adam"),
}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("step", [0, 4])
def test_resumed_to_the_bit(kind, step, rng, tmp_path):
    images, beta = patterns(rng, 60), copy_at(step, tmp_path / "run", tmp_path / "killed", lambda taken: 1.0)
    bound, again = start(), start()
    options = {"folder": tmp_path / "run", "checkpoint_minutes": 1e-9, "beta": beta}
    trained(images, bound, optimizer=OWN[kind](bound), **options)
    trained(images, again, optimizer=OWN[kind](again), resume=tmp_path / "killed", beta=1.0)
    assert_same(bound, again)


def foreign(bound):
    return mx.gluon.Trainer(small_vae().collect_params(), "sgd")


def scheduled(bound):
    return mx.optimizer.SGD(lr_scheduler=mx.lr_scheduler.FactorScheduler(2))


def scaled(bound):
    trainer = mx.gluon.Trainer(bound.collect_params(), "sgd")
    trainer._amp_loss_scaler = object()
    return trainer


ERRORS = {
    "unknown": (lambda bound: "adm", {}, ValueError, "optimizer must be one of .* did you mean 'adam'"),
    "option": (
        lambda bound: "adam", {"optimizer_params": {"weight_decay": 0.1}}, ValueError,
        "an option of the optimizer adam must be one of beta1, beta2, .* wd, got 'weight_decay'",
    ),
    "text": (
        lambda bound: "adam", {"optimizer_params": {"wd": "much"}}, TypeError,
        "wd of the optimizer adam must be a number, got 'much'",
    ),
    "options of an optimizer": (
        lambda bound: mx.optimizer.SGD(), {"optimizer_params": {"wd": 1}}, ValueError,
        "optimizer_params are for an optimizer that is given by its name",
    ),
    "two rates": (
        lambda bound: "sgd", {"optimizer_params": {"learning_rate": 1}, "learning_rate": 2}, ValueError,
        "learning_rate and optimizer_params both say what the learning rate is",
    ),
    "two schedules": (scheduled, {"learning_rate": 0.1}, ValueError, "the optimizer has an lr_scheduler"),
    "another model's": (foreign, {}, ValueError, "the trainer has parameters that the bound has not, such as "),
    "scaled": (scaled, {}, ValueError, "precision='float16'"),
    "several processes": (
        lambda bound: mx.gluon.Trainer(bound.collect_params(), "sgd", kvstore="dist_sync"), {}, ValueError,
        "a trainer with the KVStore dist_sync would leave workers with different parameters",
    ),
    "a class": (lambda bound: mx.optimizer.Adam, {}, TypeError, "optimizer must be the name of one, .* got type"),
    "unfit": (lambda bound: mx.optimizer.Test(), {}, ValueError, "the optimizer Test cannot train"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ERRORS)
def test_errors(kind, rng):
    optimizer, options, error, message = ERRORS[kind]
    bound = start()
    with pytest.raises(error, match=message):
        trained(patterns(rng, 20), bound, optimizer=optimizer(bound), **options)
