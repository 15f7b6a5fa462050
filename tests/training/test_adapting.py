"""A training starts with what the model takes from its training data, and with warnings about their values."""

import logging
import re

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from tests.helpers import small_vae


def real_vae(likelihood="gaussian", **options):
    gv.seed(5)
    return small_vae(likelihood=likelihood, likelihood_options=options)


def unlike(rng, rows=60):
    return (rng.standard_normal((rows, 12)) + np.linspace(-20, 20, 12)) * np.logspace(-3, 3, 12)


def fit(vae, data, **changes):
    changes = {"epochs": 1, "batch_size": 20, "progress": False, **changes}
    return gv.fit(gv.ELBO(vae), data, **changes)


def test_the_constants_are_set_once(rng):
    data = unlike(rng).astype(np.float32)
    vae = real_vae(standardize=True)
    fit(vae, data)
    family = vae.generator.family
    for parameter, wanted in ((family.data_mean, data.mean(0, np.float64)), (family.data_std, data.std(0, np.float64))):
        np.testing.assert_allclose(parameter.data().asnumpy(), wanted, rtol=1e-5)
    before = family.data_mean.data().asnumpy()
    fit(vae, data + 100)
    np.testing.assert_array_equal(family.data_mean.data().asnumpy(), before)


def test_a_training_goes_on_with_its_constants(rng, tmp_path, fast_disk):
    """To the bit, and those of the run are kept where the training data are read again."""
    data = unlike(rng)
    whole = real_vae(standardize=True)
    fit(whole, data, epochs=3, folder=tmp_path / "whole")
    stopped = real_vae(standardize=True)
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, data, epochs=3, folder=tmp_path / "run", callbacks=[_stop])
    again = real_vae(standardize=True)
    fit(again, data, epochs=3, resume=tmp_path / "run")
    for one, other in zip(whole.collect_params().values(), again.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), other.data().asnumpy())
    read, _ = gv.training.run.load_run(tmp_path / "run", again.context)
    np.testing.assert_array_equal(
        read.generator.family.data_std.data().asnumpy(), again.generator.family.data_std.data().asnumpy()
    )


def _stop(metrics):
    if metrics["epoch"] == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("likelihood", "name"), [("gaussian", "std"), ("laplace", "scale")])
def test_a_table_of_unlike_columns_is_learnt_in_seconds(likelihood, name, rng):
    """Scales from 10⁻⁴ to 10⁴: within 1 nat of the entropy of the linear Gaussian that the data come from."""
    size, scale = 9, np.logspace(-4, 4, 9)
    weight, sigma = rng.standard_normal((size, 2)), 0.4
    u = rng.standard_normal((2000, 2)) @ weight.T + sigma * rng.standard_normal((2000, size))
    data = scale * (u + rng.uniform(-10, 10, size))
    evidence = scipy.stats.multivariate_normal(np.zeros(size), weight @ weight.T + sigma**2 * np.eye(size))
    possible = evidence.logpdf(u).mean() - np.log(scale).sum()
    vae = gv.construct_vae(
        likelihood=likelihood,
        likelihood_options={name: "per_feature", "standardize": True},
        data_dims=size,
        latent_variable_size=2,
        generator_layer_sizes=[],
        infer_layer_sizes=[20],
    )
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    history = gv.fit(bound, data, epochs=40, batch_size=100, learning_rate=1e-2, progress=False)
    # KL(N(0, σ²) || Laplace(0, b)) at its least, of the noise of a value: b = σ √(2 / π)
    divergence = np.log(2 * np.sqrt(2 / np.pi)) + 1 - 0.5 * np.log(2 * np.pi * np.e)
    least = possible - 1 - (size * divergence if likelihood == "laplace" else 0)
    assert least < history["train_bound"][-1] < possible + 0.3


WARNED = {
    "far": (lambda rng: rng.normal(1000, 1, (60, 12)), "lie far from 0, 12 of 12 .*set standardize=True"),
    "wide": (lambda rng: rng.normal(0, 1000, (60, 12)), "have spreads far from 1, 12 of 12 .*set standardize=True"),
    "narrow": (lambda rng: rng.normal(0, 1e-4, (60, 12)), "have spreads far from 1, 12 of 12 .*set standardize=True"),
    "unlike": (unlike, r"range from 0\.\d+ \(column 0\) to .*set standardize=True"),
}


@pytest.mark.parametrize("likelihood", ["gaussian", "laplace"])
@pytest.mark.parametrize("name", WARNED)
def test_data_that_train_badly_are_warned_of(name, likelihood, rng, caplog):
    make, message = WARNED[name]
    data = make(rng)
    with caplog.at_level(logging.WARNING):
        fit(real_vae(likelihood), data)
    (record,) = caplog.records
    assert record.name.startswith("gluonvae")
    assert re.search(message, record.getMessage())
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        fit(real_vae(likelihood, standardize=True), data)
        fit(real_vae(likelihood), rng.standard_normal((60, 12)))
        fit(small_vae(likelihood="poisson"), rng.poisson(1000, (60, 12)))
    assert not caplog.records


def test_pictures_are_not_warned_of(caplog):
    """Of the pixels at the edge many are always black."""
    images = gv.data.load("digits", binarization="grey").train.subset(slice(1000))
    vae = gv.construct_vae(likelihood="gaussian", generator_layer_sizes=[200], infer_layer_sizes=[200])
    vae.initialize()
    with caplog.at_level(logging.WARNING):
        history = fit(vae, images, epochs=3, batch_size=20)
    assert not caplog.records
    # from 0.7, which says nothing of the data, the standard deviation would take ten times as many steps to this
    assert history["train_bound"][-1] > 0
