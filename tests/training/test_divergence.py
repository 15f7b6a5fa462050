"""Trainings that diverge: what is said, and what is kept. The causes are made by hand."""

import re

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.batches import Batch
from gluonvae.training import Diverged
from gluonvae.training import step as stepper
from tests.helpers import nd, set_mode
from tests.truths.codebook import small

ROWS, COLUMNS = 200, 12
every_mode = pytest.mark.parametrize("mode", ["imperative", "static_shape"])


def made(likelihood="gaussian", bound=gv.ELBO, bodies=None, **options):
    vae = gv.construct_vae(
        likelihood=likelihood,
        generator_layer_sizes=[6],
        infer_layer_sizes=[6],
        latent_variable_size=3,
        data_dims=COLUMNS,
        likelihood_options=options,
        **(bodies or {}),
    )
    vae.initialize()
    return bound(vae)


def data(rng, likelihood="gaussian"):
    counts = likelihood in ("poisson", "negative_binomial")
    shape = (ROWS, COLUMNS)
    return (rng.poisson(3, shape) if counts else rng.standard_normal(shape)).astype("float32")


def diverged(bound, pixels, mode="imperative", **options):
    set_mode(bound, mode)
    with pytest.raises(Diverged) as error:
        gv.fit(bound, pixels, **{"epochs": 20, "batch_size": 20, "progress": False, **options})
    return error.value


def names_datum(error, value):
    message = str(error)
    assert "learning rate is the usual cure" not in message
    return f"column 7 of row 117 of the data is {value:g}, " in message and "Correct or clip that value" in message


def values(bound):
    bound.collect_params()  # initialises what is the bound's own
    return {name: p.data().asnumpy() for name, p in bound._collect_params_with_prefix().items()}


def assert_finite(bound):
    for name, value in values(bound).items():
        assert np.isfinite(value).all(), name


# a row: likelihood, its options, value, optimizer
DATA = {
    "Gaussian": ("gaussian", {"std": "learned"}, 1e20, "fusedadam"),
    "Gaussian, of which the gradient alone is too large": ("gaussian", {"std": "learned"}, 1e13, "fusedadam"),
    "Gaussian, negative, sgd": ("gaussian", {}, -1e25, "sgd"),
    "Laplace": ("laplace", {"scale": "learned"}, 3e38, "fusedadam"),
    "Poisson": ("poisson", {}, 3e38, "fusedadam"),
}


@every_mode
@pytest.mark.parametrize("row", DATA)
def test_a_value_of_the_data_is_named_and_nothing_is_changed_by_it(row, mode, rng):
    likelihood, options, value, optimizer = DATA[row]
    pixels = data(rng, likelihood)
    bound, seen = made(likelihood, **options), []
    pixels[117, 7] = value

    def rate(step):
        seen.append(values(bound))
        return 1e-4

    error = diverged(bound, pixels, mode, optimizer=optimizer, learning_rate=rate, epochs=1)
    assert names_datum(error, value)
    assert error.step == error.parameters_before == len(seen) - 1  # once by the constructor
    for name, got in values(bound).items():
        np.testing.assert_array_equal(got, seen[-1][name], err_msg=name)


@every_mode
def test_a_condition_is_named(mode, rng):
    """Labels are inputs too; here they are numbers. Sound ones are between 0 and 1."""
    vae = gv.construct_vae(
        likelihood="gaussian",
        generator_layer_sizes=[6],
        infer_layer_sizes=[6],
        latent_variable_size=3,
        data_dims=COLUMNS,
        label_size=3,
        generator_act_type="relu",
    )
    vae.initialize()
    bound, labels = gv.ELBO(vae), rng.random((20, 3)).astype("float32")
    labels[5, 1] = 1e30
    set_mode(bound, mode)
    taken = stepper.Stepper(bound, "fusedadam", 1e-3, {})
    taken.step(Batch(nd(data(rng)[:20]), nd(np.eye(3)[rng.integers(0, 3, 20)])))
    with pytest.raises(Diverged, match=r"column 1 of row 105 of the label is 1e\+30, "):
        taken.step(Batch(nd(data(rng)[:20]), nd(labels)), np.arange(100, 120))


BOUNDS = {
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
    "NVIL": lambda vae: gv.NVIL(vae),
    "InfoVAE": lambda vae: gv.InfoVAE(vae),
    "BetaTC": lambda vae: gv.BetaTC(vae, dataset_size=ROWS),
}


@every_mode
@pytest.mark.parametrize("name", BOUNDS)
def test_a_value_is_named_also_where_a_bound_mixes_rows(name, mode, rng):
    pixels = data(rng)
    pixels[117, 7] = 1e20
    error = diverged(made(bound=BOUNDS[name]), pixels, mode, epochs=1)
    assert names_datum(error, 1e20)


def test_the_term_of_the_row_is_named(rng):
    pixels = data(rng)
    pixels[117, 7] = 1e20
    message = str(diverged(made(), pixels))
    assert re.search(r"objective is -inf at step \d+ .*log-likelihood of row 117 of the data is -inf", message)


@every_mode
def test_batch_norm_keeps_its_running_statistics(mode, rng):
    """They change in the forward pass, before anything is known of the objective."""
    nn, pixels = mx.gluon.nn, data(rng)
    pixels[117, 7] = 1e20

    def body():
        layers = nn.HybridSequential()
        layers.add(nn.Dense(6, in_units=COLUMNS), nn.BatchNorm(in_channels=6))
        return layers

    vae = gv.VAE(gv.GaussianGenerator(COLUMNS, [6]), gv.GaussianInferenceNetwork(3, body(), data_dims=COLUMNS))
    vae.initialize()
    bound, seen = gv.ELBO(vae), []

    def rate(step):
        seen.append(values(bound))
        return 1e-3

    error = diverged(bound, pixels, mode, learning_rate=rate, epochs=1)
    assert names_datum(error, 1e20)
    running = [name for name in seen[-1] if "running" in name]
    assert len(running) == 2
    assert not np.array_equal(seen[1][running[0]], seen[-1][running[0]])
    for name in running:
        np.testing.assert_array_equal(values(bound)[name], seen[-1][name])


@every_mode
def test_a_buffer_that_overflows_while_the_objective_is_finite(mode, rng):
    """The variance of 1e25 is infinite in float32, and what is divided by it is 0."""
    norm, pixels = mx.gluon.nn.BatchNorm(in_channels=COLUMNS, prefix="norm_"), data(rng) * np.float32(1e25)
    net = gv.GaussianInferenceNetwork(3, norm, data_dims=COLUMNS)
    vae = gv.VAE(gv.LaplaceGenerator(COLUMNS, [6]), net)
    vae.initialize()
    bound = gv.ELBO(vae)
    error = diverged(bound, pixels, mode)
    assert error.step == 1
    assert "Standardise the data" in str(error)
    assert_finite(bound)


@every_mode
def test_a_codebook_keeps_its_vectors(mode, rng):
    vae = small(rng=rng, dtype="float32")
    codebook, weight = vae.inference_net.family.codebook, vae.generator.logits_head.weight
    before = codebook.rows.data().asnumpy()
    weight.set_data(mx.nd.full(weight.shape, np.nan))
    error = diverged(gv.VQELBO(vae), rng.integers(0, 2, (40, vae.data_dims)), mode)
    assert "generator" in str(error)
    assert "to begin with" in str(error)
    np.testing.assert_array_equal(codebook.rows.data().asnumpy(), before)


@every_mode
@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 1e3), ("sgd", 1e30), ("fusedadam", 1e38), ("nag", 1e3)])
def test_a_rate_that_is_too_large_is_blamed_and_good_parameters_come_back(optimizer, rate, mode, rng):
    bound, pixels = made(std="learned"), data(rng)
    before = gv.evaluate(bound, pixels).bound
    error = diverged(bound, pixels, mode, optimizer=optimizer, learning_rate=lambda step: 1e-4 if step < 60 else rate)
    assert "smaller learning rate is the usual cure" in str(error)
    assert error.step > 61 >= error.parameters_before
    assert f"the parameters are those before step {error.parameters_before}." in str(error).lower()
    assert gv.evaluate(bound, pixels).bound > before - 0.5


@every_mode
@pytest.mark.parametrize("beta", [1e30, 1e38])
def test_a_weight_is_named(beta, mode, rng):
    error = diverged(made(), data(rng), mode, beta=lambda step: 1.0 if step < 3 else beta)
    assert error.step == error.parameters_before == 4
    assert re.search(rf"beta is {re.escape(f'{beta:g}')}\. .*Choose a beta nearer 1", str(error))


def test_a_weight_that_has_spoilt_the_parameters_is_named_beside_the_rate(rng):
    bound = made()
    error = diverged(bound, data(rng), beta=1e15, optimizer="sgd")
    assert "A smaller learning rate or beta, now 1e+15, is the usual cure" in str(error)
    assert error.parameters_before == 1


class InfiniteObjective(gv.ELBO):
    def objective(self, F, log_likelihood, kl, weights):
        return super().objective(F, log_likelihood, kl, weights) + F.log(0 * kl)


class InfiniteGradient(gv.ELBO):
    def objective(self, F, log_likelihood, kl, weights):
        return super().objective(F, log_likelihood, kl, weights) + F.sqrt(0 * kl)


@every_mode
@pytest.mark.parametrize("kind", [InfiniteObjective, InfiniteGradient])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_bound_of_ones_own_is_blamed_where_nothing_else_is(kind, dtype, mode, rng):
    bound = made()
    bound.vae.cast(dtype)
    bound, pixels = kind(bound.vae), data(rng)
    bound.vae.adapt(pixels)
    before = values(bound)
    message = str(diverged(bound, pixels, mode))
    assert re.search("no update and no single value is to blame.*look for a logarithm, a root or a division", message)
    if kind is InfiniteObjective:
        assert "the objective is -inf at step 1" in message
        assert "though log-likelihood and KL are finite" in message
    else:
        assert re.search(r"the gradient of inference_net\.\S+ has nan at step 1", message)
    for name, got in values(bound).items():
        np.testing.assert_array_equal(got, before[name])


def test_data_that_are_all_too_large(rng):
    # a standard deviation that is learned would start at that of the data
    message = str(diverged(made(std=1), data(rng) * np.float32(1e25)))
    assert "Standardise the data" in message
    assert "log-likelihood of every row of the batch is -inf" in message


def test_a_parameter_that_was_bad_from_the_start(rng):
    bound = made()
    bias = bound.vae.inference_net.mean_head[-1].bias
    bias.set_data(mx.nd.full(bias.shape, np.inf))
    message = str(diverged(bound, data(rng)))
    name = next(name for name, p in bound.vae._collect_params_with_prefix().items() if p is bias)
    assert f"{name} was not finite to begin with" in message
    assert "load other parameters" in message


@pytest.mark.parametrize("unread", [1, 4])
def test_gradients_that_are_added_up_are_clean_again(unread, rng, monkeypatch):
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: unread)
    bound, pixels = made(), data(rng)
    bound.vae.collect_params().setattr("grad_req", "add")
    pixels[117, 7] = 1e20
    assert names_datum(diverged(bound, pixels, learning_rate=1e-6), 1e20)
    for parameter in bound.vae.collect_params().values():
        np.testing.assert_array_equal(parameter.grad().asnumpy(), 0)


@every_mode
def test_frozen_parameters_are_no_hindrance(mode, rng):
    bound, pixels = made(), data(rng)
    bound.vae.inference_net.collect_params().setattr("grad_req", "null")
    pixels[117, 7] = 1e20
    assert names_datum(diverged(bound, pixels, mode), 1e20)


@pytest.mark.parametrize("unread", [3, 25])
def test_on_a_device_that_is_behind_the_value_is_found_from_the_parameters_that_come_back(unread, rng, monkeypatch):
    monkeypatch.setattr(stepper, "steps_unread", lambda ctx: unread)
    bound, pixels = made(std="learned"), data(rng)
    pixels[117, 7] = 1e20
    error = diverged(bound, pixels, epochs=4)
    assert names_datum(error, 1e20)
    assert error.step - unread <= error.parameters_before <= error.step
    assert_finite(bound)
