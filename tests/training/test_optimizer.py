"""Optimizers in one region against MXNet's: the same numbers, options, states, with Gluon's Trainer and gluonvae's."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import memory
from gluonvae.backend.runtime import mx
from gluonvae.training import optimizer
from tests.helpers import MODES, nd, set_mode, small_vae

SHAPES = [(40_000,), (7, 3), (1,), (300, 200)]


class Parameters:
    """Parameters with gradients given by hand, and a trainer."""

    def __init__(self, name, dtype="float32", trainer=mx.gluon.Trainer, **options):
        self.parameters = [
            mx.gluon.Parameter(f"p{i}_weight", shape=shape, dtype=dtype) for i, shape in enumerate(SHAPES)
        ]
        rng = np.random.default_rng(0)
        for parameter in self.parameters:
            parameter.initialize(mx.init.Zero())
            parameter.set_data(nd(rng.standard_normal(parameter.shape), dtype))
        options = {name: value() if callable(value) else value for name, value in options.items()}
        self.trainer = trainer(self.parameters, name, {"learning_rate": 0.01, **options})
        self.rng = np.random.default_rng(1)

    def step(self, count=1):
        for _ in range(count):
            gradients = [nd(self.rng.standard_normal(of.shape), of.dtype) for of in self.parameters]
            with mx.autograd.record():
                copies = [parameter.data().copy() for parameter in self.parameters]
            mx.autograd.backward(copies, gradients)
            self.trainer.step(4)
        return self

    def values(self):
        return [parameter.data().asnumpy() for parameter in self.parameters]


def assert_same(one, two):
    for a, b in zip(one.values(), two.values()):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


ADAM = {
    "plain": {},
    "betas and epsilon": {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4},
    "weight decay": {"wd": 0.1},
    "clipping": {"clip_gradient": 0.1},
    "everything": {"wd": 0.1, "clip_gradient": 0.2, "beta1": 0.99},
    "schedule": {"lr_scheduler": lambda: mx.lr_scheduler.FactorScheduler(7, 0.5, base_lr=0.01)},
}
SGD = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "everything": {"wd": 0.1, "clip_gradient": 0.2, "momentum": 0.5},
    "no momentum": {"wd": 0.1, "clip_gradient": 0.2},
    "schedule": ADAM["schedule"],
}
COMMON = {
    "plain": {},
    "everything": {"wd": 0.1, "clip_gradient": 0.2},
    "schedule": ADAM["schedule"],
}
KINDS = {
    "adam": ADAM,
    "sgd": SGD,
    "nag": {"plain": {}, "schedule": ADAM["schedule"]},
    "rmsprop": {**COMMON, "options": {"gamma1": 0.5, "epsilon": 1e-3, "wd": 0.01}},
    "adagrad": {**COMMON, "options": {"eps": 1e-3, "wd": 0.01}},
    "adamax": {**COMMON, "options": {"beta1": 0.5, "beta2": 0.9, "wd": 0.01}},
}
OPTIONS = [(kind, name) for kind, options in KINDS.items() for name in options]
TRAINERS = [mx.gluon.Trainer, gv.Trainer]
every_trainer = pytest.mark.parametrize("trainer", TRAINERS, ids=["Gluon's", "ours"])


def both(name, trainer, **options):
    """The parameters under an optimizer in one region, and under MXNet's."""
    return [Parameters(f"fused{name}", trainer=trainer, **options), Parameters(name, **options)]


@every_trainer
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_same_numbers_after_30_steps(name, options, trainer):
    ours, mxnets = both(name, trainer, **KINDS[name][options])
    assert_same(ours.step(30), mxnets.step(30))
    assert ours.trainer._optimizer._table is not None


@every_trainer
@pytest.mark.parametrize("options", [{}, {"wd": 0.1, "clip_gradient": 0.2}], ids=["plain", "everything"])
def test_nesterovs_momentum_is_that_of_its_equations(options, trainer):
    """MXNet's own takes the weight decay of the momentum at the weight that it has just updated."""
    ours = Parameters("fusednag", trainer=trainer, momentum=0.9, **options)
    weights, momenta = [np.float64(values) for values in ours.values()], [0.0] * len(SHAPES)
    rng, decay, clip = np.random.default_rng(1), options.get("wd", 0), options.get("clip_gradient", np.inf)
    for _ in range(10):
        for i, shape in enumerate(SHAPES):
            step = 0.01 * (np.clip(rng.standard_normal(shape) / 4, -clip, clip) + decay * weights[i])
            momenta[i] = 0.9 * momenta[i] - step
            weights[i] = weights[i] + 0.9 * momenta[i] - step
    for value, weight in zip(ours.step(10).values(), weights):
        np.testing.assert_allclose(value, weight, rtol=1e-6, atol=1e-6)


def test_our_trainer_takes_mxnets_names():
    kinds = [gv.FusedAdam, gv.FusedSGD, gv.FusedNAG, gv.FusedRMSProp, gv.FusedAdaGrad, gv.FusedAdamax]
    for name, kind in zip(["adam", "SGD", "NAG", "rmsprop", "AdaGrad", "adamax"], kinds):
        ours = Parameters(name, trainer=gv.Trainer)
        assert type(ours.trainer._optimizer) is kind
        assert_same(ours.step(10), Parameters(name).step(10))
    assert type(Parameters("nadam", trainer=gv.Trainer).step(2).trainer._optimizer) is mx.optimizer.Nadam


@pytest.mark.parametrize("options", [{"centered": True}, {"clip_weights": 0.5}], ids=["centered", "clip_weights"])
def test_options_that_the_region_does_not_know_are_mxnets(options, caplog):
    caplog.set_level(logging.INFO, "gluonvae")
    optimizer._say_once.cache_clear()
    ours, mxnets = both("rmsprop", gv.Trainer, **options)
    assert_same(ours.step(10), mxnets.step(10))
    (name,) = options
    assert f"fusedrmsprop is MXNet's own rmsprop here: {name} was given" in caplog.text


def test_adamax_leaves_parameters_without_gradient_alone():
    ours, mxnets = both("adamax", gv.Trainer)
    for one in (ours, mxnets):
        with mx.autograd.record():
            loss = one.parameters[0].data()[:20].sum() + sum(p.data().sum() for p in one.parameters[1:])
        before = one.values()[0]
        loss.backward()
        one.trainer.step(1)
    assert np.isnan(mxnets.values()[0][20:]).all()
    np.testing.assert_array_equal(ours.values()[0][20:], before[20:])
    np.testing.assert_allclose(ours.values()[0][:20], before[:20] - 0.01, rtol=1e-5)  # the first step is of length 1


@every_trainer
def test_multipliers_of_a_parameter(trainer):
    pair = both("adam", trainer, wd=0.1)
    for one in pair:
        one.parameters[0].lr_mult, one.parameters[1].wd_mult = 0.1, 5.0
        one.step(20)
        one.parameters[0].lr_mult = 0.2
        one.step(20)
    assert_same(*pair)


def test_multipliers_by_number_and_by_name():
    names = {0: "first_weight", 1: "second_bias", 2: "third_weight"}
    found = []
    for kind in ("fusedadam", "adam"):
        made = mx.optimizer.create(kind, learning_rate=0.01, wd=0.1, param_idx2name=names)
        made.set_lr_mult({0: 0.1, "second_bias": 0.3})
        made.set_wd_mult({2: 5.0, "first_weight": 2.0})
        weights, update = [mx.nd.ones(3) for _ in range(4)], mx.optimizer.get_updater(made)
        for _ in range(5):
            update([0, 1, 2, 3], [mx.nd.array([0.1, -2, 30])] * 4, weights)
            update(3, mx.nd.ones(3), weights[3])
        found.append([*(weight.asnumpy() for weight in weights), made.num_update])
    for one, two in zip(*found):
        np.testing.assert_allclose(one, two, rtol=1e-6)


@every_trainer
def test_learning_rate_may_change(trainer):
    pair = both("adam", trainer)
    for one in pair:
        one.step(5)
        one.trainer.set_learning_rate(0.5)
        one.step(5)
    assert_same(*pair)


@every_trainer
def test_a_gradient_that_was_not_computed_is_an_error(trainer):
    one = Parameters("fusedadam", trainer=trainer).step(3)
    before = one.values()
    with pytest.raises(UserWarning, match=r"p0_weight.*has not been updated"):
        one.trainer.step(4)
    for parameter in one.parameters[1:]:
        with mx.autograd.record():
            loss = parameter.data().sum()
        loss.backward()
    with pytest.raises(UserWarning, match=r"p0_weight.*has not been updated"):
        one.trainer.step(4)
    for a, b in zip(one.values(), before):
        np.testing.assert_array_equal(a, b)
    one.trainer.step(4, ignore_stale_grad=True)
    np.testing.assert_array_equal(one.values()[0], before[0])
    assert (one.values()[1] != before[1]).all()
    assert_same(one.step(3), one)


@every_trainer
@pytest.mark.parametrize("from_name", ["fusedadam", "adam"])
def test_states_are_saved_and_loaded(from_name, trainer, tmp_path):
    whole = Parameters(from_name, trainer=trainer).step(20)
    half = Parameters(from_name, trainer=trainer).step(10)
    half.trainer.save_states(str(tmp_path / "states"))
    resumed = Parameters(from_name, trainer=trainer)
    for parameter, values in zip(resumed.parameters, half.values()):
        parameter.set_data(nd(values))
    resumed.step(1)  # looks up addresses that loading makes stale
    for parameter, values in zip(resumed.parameters, half.values()):
        parameter.set_data(nd(values))
    resumed.trainer.load_states(str(tmp_path / "states"))
    resumed.rng = half.rng
    resumed.step(10)
    assert_same(whole, resumed)


@every_trainer
def test_parameters_that_move_are_followed(trainer):
    pair = both("adam", trainer)
    for one in pair:
        one.step(3)
        for parameter in one.parameters:
            parameter.initialize(mx.init.One(), force_reinit=True)
        one.step(3)
    assert_same(*pair)


@every_trainer
def test_some_parameters_may_be_frozen(trainer):
    pair = both("adam", trainer)
    for one in pair:
        one.step(2)
        one.parameters[1].grad_req = "null"
        for _ in range(2):
            for parameter in (one.parameters[0], *one.parameters[2:]):
                with mx.autograd.record():
                    loss = (parameter.data() * 0.3).sum()
                loss.backward()
            one.trainer.step(4)
    assert_same(*pair)


def test_float64_falls_back_to_mxnets_and_says_so_once(caplog):
    caplog.set_level(logging.INFO, "gluonvae")
    optimizer._say_once.cache_clear()
    ours, mxnets = (Parameters(which, dtype="float64").step(5) for which in ("fusedadam", "adam"))
    for a, b in zip(ours.values(), mxnets.values()):
        np.testing.assert_array_equal(a, b)
    assert [r.getMessage() for r in caplog.records] == [
        "fusedadam is MXNet's own adam here: the parameters are float64"
    ]


def test_without_numba_it_is_mxnets(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "gluonvae")
    optimizer._say_once.cache_clear()
    monkeypatch.setattr("gluonvae.training.optimizer.loops_compile", lambda: False)
    try:
        ours, mxnets = (Parameters(which).step(5) for which in ("fusedadam", "adam"))
    finally:
        optimizer._say_once.cache_clear()
    for a, b in zip(ours.values(), mxnets.values()):
        np.testing.assert_array_equal(a, b)
    assert "numba is not installed" in caplog.text


@pytest.mark.skipif(mx.context.num_gpus() == 0, reason="needs a GPU")
def test_on_a_gpu_it_is_mxnets():
    weight = mx.nd.ones((3,), ctx=mx.gpu())
    assert "GPU" in optimizer._why_not([weight], [weight])


def test_the_threaded_engine_gives_the_same():
    """In a process of its own, as the engine is chosen when mxnet is imported."""
    code = (
        "from tests.training.test_optimizer import Parameters, assert_same; "
        "from gluonvae.backend.runtime import engine_is_naive; assert not engine_is_naive(); "
        "[assert_same(Parameters('fusedadam').step(5), Parameters('adam').step(5)) for _ in range(10)]"
    )
    import os

    environment = {**os.environ, "MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("mode", MODES)
@every_trainer
def test_the_memory_looked_up_stays_that_of_the_parameters(mode, trainer, tmp_path):
    vae = small_vae()
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    trainer = trainer(vae.collect_params(), "fusedadam")
    for step in range(8):
        with mx.autograd.record():
            loss = -bound(mx.nd.ones((5 + step % 3, 12)))
        loss.backward()
        trainer.step(5)
        if step == 2:
            vae.save_parameters(str(tmp_path / "x.params"))
            vae.load_parameters(str(tmp_path / "x.params"))
        if step == 4:
            vae.collect_params().zero_grad()
        fused = trainer._updaters[0].optimizer
        now = [memory.address(tensor) for tensor in fused._table.tensors]
        assert fused._table.addresses.ravel().tolist() == now


def test_fit_uses_it_by_default(rng):
    def train(**options):
        gv.seed(1)
        vae = gv.construct_vae(data_dims=12, latent_variable_size=3)
        vae.initialize()
        gv.fit(gv.ELBO(vae), np.eye(12, dtype=np.float32), epochs=5, batch_size=5, progress=False, **options)
        return vae.generator.logits_head.weight.data().asnumpy()

    np.testing.assert_array_equal(train(), train(optimizer="fusedadam"))
    np.testing.assert_allclose(train(), train(optimizer="adam"), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", ["Conv1D", "Conv2D", "Conv2DTranspose"])
def test_a_convolution_that_was_used_in_prediction_mode(layer, rng):
    """oneDNN has its weights in another order then, between a backward pass and the step that follows too."""
    data = nd(rng.standard_normal((4, 16, *[8] * (2 if "2D" in layer else 1))))
    ends = []
    for name in ("adam", "fusedadam"):
        gv.seed(3)
        block = getattr(mx.gluon.nn, layer)(16, 3, in_channels=16)
        block.initialize(mx.init.Normal(1))
        trainer = mx.gluon.Trainer(block.collect_params(), name, {"learning_rate": 0.1})
        for _ in range(3):
            with mx.autograd.record():
                loss = block(data) ** 2
            loss.backward()
            block(data).wait_to_read()
            trainer.step(4)
        ends.append(block.weight.data().asnumpy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-5, atol=1e-6)
