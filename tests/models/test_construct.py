"""What construct_vae and the models' classes take and refuse, saying what was given and what was wanted."""

import pytest

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels, small_vae
from tests.tables.bodies import LATENT, SHAPE


def test_names_and_options_of_construct_vae(rng):
    arguments = {"latent_variable_size": LATENT, "data_dims": 30, "data_shape": SHAPE}
    for name in networks.ENCODERS:
        vae = gv.construct_vae(infer_body=name, **arguments)
        vae.initialize()
        assert gv.ELBO(vae)(pixels(rng, 2, 30)).shape == (2,)
    for name in networks.DECODERS:
        vae = gv.construct_vae(
            generator_body=name, infer_body="conv", infer_body_options={"batch_norm": True}, label_size=2, **arguments
        )
        vae.initialize()
        assert gv.ELBO(vae)(pixels(rng, 2, 30), label=nd([0, 1])).shape == (2,)
    with pytest.raises(
        ValueError, match="generator_body must be one of conv, gated_mlp, mlp, residual, got 'cifar_resnet'"
    ):
        gv.construct_vae(generator_body="cifar_resnet", **arguments)
    with pytest.raises(ValueError, match="infer_body 'cifar_resnet' takes no layer sizes"):
        gv.construct_vae(infer_body="cifar_resnet", infer_layer_sizes=[3], **arguments)
    with pytest.raises(ValueError, match="an option of the infer_body 'conv' must be one of batch_norm"):
        gv.construct_vae(infer_body="conv", infer_body_options={"batchnorm": True}, **arguments)
    with pytest.raises(ValueError, match=r"data_shape.*has 30 values.*data_dims is 31"):
        gv.construct_vae(infer_body="conv", **{**arguments, "data_dims": 31})


def with_own_kl():
    vae = small_vae()
    return gv.GaussianVAE(vae.generator, vae.inference_net, lambda mean, std: 5 * gv.diagonal_gaussian_kl(mean, std))


# name: (what is called, error, message)
CONSTRUCTIONS = {
    "latent_type": (
        lambda: gv.construct_vae(latent_type="gausian"),
        ValueError,
        "latent_type must be one of .*gaussian.*, got 'gausian'; did you mean 'gaussian'",
    ),
    "likelihood": (lambda: gv.construct_vae(likelihood="bernouliProd"), ValueError, "did you mean 'bernoulli_prod'"),
    "prior": (lambda: gv.construct_vae(prior="standart"), ValueError, "prior must be one of .*did you mean 'standard'"),
    "option that is needed": (
        lambda: gv.construct_vae(likelihood="categorical"),
        ValueError,
        "the likelihood 'categorical' needs its option categories",
    ),
    "option": (
        lambda: gv.construct_vae(latent_options={"sdt": "exp"}),
        ValueError,
        "an option of the latent_type 'gaussian' must be one of .*got 'sdt'; did you mean 'std'",
    ),
    "activation": (
        lambda: gv.construct_vae(infer_act_type="tanhh"),
        ValueError,
        "act_type must be one of .*did you mean 'tanh'",
    ),
    "activation, a block": (
        lambda: gv.construct_vae(infer_act_type=mx.gluon.nn.LeakyReLU(0.1)),
        TypeError,
        r"act_type must be a name or a function that makes a block.*lambda: nn\.LeakyReLU",
    ),
    "seed": (lambda: gv.seed(-1), ValueError, "seed must not be negative, got -1"),
    "activation without layers": (
        lambda: gv.construct_vae(generator_layer_sizes=[], generator_act_type="rleu"),
        ValueError,
        "did you mean 'relu'",
    ),
    "data_dims": (lambda: gv.construct_vae(data_dims=0), ValueError, "data_dims must be positive, got 0"),
    "latent size": (
        lambda: gv.construct_vae(latent_variable_size=-3),
        ValueError,
        "latent_variable_size must be positive, got -3",
    ),
    "layer": (
        lambda: gv.construct_vae(generator_layer_sizes=[200, 0]),
        ValueError,
        r"generator_layer_sizes\[1\] must be positive, got 0",
    ),
    "layers": (
        lambda: gv.construct_vae(infer_layer_sizes=200),
        TypeError,
        "infer_layer_sizes must be a list of layer widths",
    ),
    "layer of half": (
        lambda: gv.ProductOfBernoullisGenerator(12, [2.5]),
        TypeError,
        r"layer_sizes\[0\] must be a positive whole number, got 2\.5",
    ),
    "option where there is none": (
        lambda: gv.construct_vae(prior_options={"std": 1}),
        ValueError,
        "the prior 'standard' has no options, got 'std'",
    ),
    "option given twice": (
        lambda: gv.construct_vae(latent_options={"act_type": "relu"}),
        ValueError,
        "act_type of the latent_type 'gaussian' is given twice, once as an option",
    ),
    "GaussianVAE of another posterior": (
        lambda: gv.GaussianVAE(
            gv.ProductOfBernoullisGenerator(12, []), gv.FullCovarianceInferenceNetwork(4, [], data_dims=12)
        ),
        ValueError,
        "the posterior of a GaussianVAE is a diagonal Gaussian, got FullCovarianceInferenceNetwork: use VAE",
    ),
    "a KL of one's own, free bits": (
        lambda: gv.FreeBitsELBO(with_own_kl()),
        ValueError,
        "FreeBitsELBO computes the KL itself, and the model has another kl_divergence: use ELBO",
    ),
    "a KL of one's own, InfoVAE": (lambda: gv.InfoVAE(with_own_kl()), ValueError, "InfoVAE computes the KL itself"),
    "halves swapped": (
        lambda: gv.GaussianVAE(gv.GaussianInferenceNetwork(4, []), gv.ProductOfBernoullisGenerator(12, [])),
        TypeError,
        "generator must be a Generator, got GaussianInferenceNetwork",
    ),
    "halves that do not fit": (
        lambda: gv.GaussianVAE(
            gv.ProductOfBernoullisGenerator(12, [], latent_variable_size=5), gv.GaussianInferenceNetwork(4, [])
        ),
        ValueError,
        "latent_variable_size is 5 in the generator and 4 in the inference network",
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
