"""Estimates of a model or of data that are not finite: the row, the value or the parameter is named."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import set_mode
from tests.truths.codebook import small

COLUMNS = 6

ESTIMATES = {
    "evaluate": lambda vae, data: gv.evaluate(gv.ELBO(vae), data, batch_size=20),
    "evaluate IWAE": lambda vae, data: gv.evaluate(gv.IWAE(vae, samples=3), data, batch_size=20),
    "evaluate, hybridised": lambda vae, data: gv.evaluate(hybrid(gv.ELBO(vae)), data, batch_size=20),
    "log_marginal_likelihood": lambda vae, data: gv.log_marginal_likelihood(vae, data, samples=5, memory=0.02),
}
every_estimate = pytest.mark.parametrize("name", ESTIMATES)


def hybrid(bound):
    set_mode(bound, "static_shape")
    return bound


def made(likelihood="gaussian", **options):
    vae = gv.construct_vae(
        likelihood=likelihood,
        generator_layer_sizes=[5],
        infer_layer_sizes=[5],
        latent_variable_size=2,
        data_dims=COLUMNS,
        **options,
    )
    vae.initialize()
    return vae


def spoil(parameter, value=np.nan):
    values = parameter.data().asnumpy()
    values.ravel()[-1] = value
    parameter.set_data(mx.nd.array(values))


@every_estimate
@pytest.mark.parametrize("row", [0, 17, 49])
def test_the_row_and_the_value_of_the_data_are_named(name, row, rng):
    data = rng.standard_normal((50, COLUMNS)).astype("float32")
    assert np.isfinite(ESTIMATES[name](made(), data)[0]).all()
    data[row, 4] = 1e25
    wanted = rf"the log-likelihood of row {row} of the data is (-inf|nan): column 4 of row {row} of the data is 1e\+25"
    with pytest.raises(FloatingPointError, match=wanted):
        ESTIMATES[name](made(), data)


@every_estimate
def test_a_parameter_is_named(name, rng):
    vae = made()
    spoil(vae.generator.body[0].bias)
    with pytest.raises(
        FloatingPointError, match=r"row 0 of the data is nan: generator\.body\.0\.bias of the model is not"
    ):
        ESTIMATES[name](vae, np.where(np.arange(COLUMNS) > 2, 0.5, rng.random((30, COLUMNS))).astype("float32"))


def test_kl_by_layer(rng):
    vae = gv.construct_vae(
        likelihood="gaussian",
        latent_type="hierarchical",
        latent_variable_size=[3, 2],
        prior="hierarchical",
        generator_layer_sizes=[5],
        infer_layer_sizes=[5],
        data_dims=COLUMNS,
    )
    vae.initialize()
    data = rng.standard_normal((30, COLUMNS)).astype("float32")
    assert np.isfinite(gv.kl_by_layer(vae, data)).all()
    spoil(next(p for name, p in vae.prior.collect_params().items() if name.endswith("bias")))
    with pytest.raises(
        FloatingPointError, match=r"the KL of a layer of row 0 of the data is nan: prior\.\S+ of the model"
    ):
        gv.kl_by_layer(vae, data)


def test_accuracy_and_perplexity_are_not_of_nonsense(rng):
    """A class or a code is found also among NaNs: the first."""
    vae = made(likelihood="bernoulli_prod", classifier_layer_sizes=[4], label_size=3)
    data = gv.data.Dataset(rng.integers(0, 2, (30, COLUMNS)), labels=rng.integers(0, 3, 30))
    assert 0 <= gv.evaluation.accuracy(vae, data) <= 1
    spoil(next(p for name, p in vae._collect_params_with_prefix().items() if "classifier" in name))
    with pytest.raises(FloatingPointError, match=r"classifier\.\S+ of the model is not finite: load or train it again"):
        gv.evaluation.accuracy(vae, data)
    coded = small(rng=rng, dtype="float32")
    spoil(coded.inference_net.family.codebook.rows, np.inf)
    with pytest.raises(FloatingPointError, match=r"codebook\.rows of the model is not finite"):
        gv.perplexity(coded, rng.integers(0, 2, (30, coded.data_dims)))


def test_a_row_in_which_nothing_stands_out(rng):
    vae = made()
    head = vae.generator.mean_head if hasattr(vae.generator, "mean_head") else vae.generator.body[0]
    head.weight.set_data(mx.nd.full(head.weight.shape, 1e30))
    with pytest.raises(FloatingPointError, match="nothing in it stands out, so look at the model's parameters"):
        gv.evaluate(gv.ELBO(vae), np.full((10, COLUMNS), 0.5, "float32"))
