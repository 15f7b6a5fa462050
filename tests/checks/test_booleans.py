"""An option that is on or off refuses anything else: "false" is a true string."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import small_vae

SHAPE = (8, 8)
BOTH_CODES = {"latent_type": "relaxed_bernoulli", "prior": "codes"}

# name of the argument and of what takes it: makes it with a value
BOOLEANS = {
    "batch_norm, ConvolutionalEncoder": lambda value: gv.networks.ConvolutionalEncoder(SHAPE, batch_norm=value),
    "batch_norm, ConvolutionalDecoder": lambda value: gv.networks.ConvolutionalDecoder(SHAPE, batch_norm=value),
    "batch_norm, ResidualEncoder": lambda value: gv.networks.ResidualEncoder(SHAPE, batch_norm=value),
    "batch_norm, ResidualDecoder": lambda value: gv.networks.ResidualDecoder(SHAPE, batch_norm=value),
    "straight_through, RelaxedBernoulliInferenceNetwork": lambda value: gv.RelaxedBernoulliInferenceNetwork(
        4, [5], straight_through=value
    ),
    "straight_through, RelaxedOneHotInferenceNetwork": lambda value: gv.RelaxedOneHotInferenceNetwork(
        4, [5], straight_through=value, categories=2
    ),
    "learned, CodePrior": lambda value: gv.CodePrior(4, learned=value),
    "learned, CodebookPrior": lambda value: gv.CodebookPrior(4, learned=value),
    "flip, AffineCoupling": lambda value: gv.flows.AffineCoupling(4, flip=value),
    "flip, SplineCoupling": lambda value: gv.flows.SplineCoupling(4, flip=value),
    "flip, InverseAutoregressive": lambda value: gv.flows.InverseAutoregressive(4, flip=value),
    "straight_through, by name": lambda value: small_vae(**BOTH_CODES, latent_options={"straight_through": value}),
    "learned, by name": lambda value: small_vae(**BOTH_CODES, prior_options={"learned": value}),
    "batch_norm, by name": lambda value: small_vae(
        data_dims=64, infer_body="conv", infer_layer_sizes=[2], infer_body_options={"batch_norm": value}
    ),
    "progress, fit": lambda value: gv.fit(gv.ELBO(small_vae()), np.ones((4, 12)), batch_size=4, epochs=1, progress=value),
    "progress, log_marginal_likelihood": lambda value: gv.log_marginal_likelihood(
        small_vae(), np.ones((4, 12)), samples=2, progress=value
    ),
    "on_gpu, NoiseSource": lambda value: gv.noise.NoiseSource(on_gpu=value),
}  # fmt: skip


@pytest.mark.parametrize("value", ["false", "no", 0, 1, None])
@pytest.mark.parametrize("name", BOOLEANS)
def test_what_is_neither_true_nor_false_is_refused(name, value):
    with pytest.raises(TypeError, match=rf"^{name.split(',')[0]}( of the .*)? must be True or False, got {value!r}$"):
        BOOLEANS[name](value)


@pytest.mark.parametrize("name", BOOLEANS)
def test_true_and_false_are_taken(name):
    for value in (True, False, np.bool_(True)):
        BOOLEANS[name](value)
