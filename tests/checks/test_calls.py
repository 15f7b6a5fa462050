"""Bad input is refused at the user's call, saying what was given and what was wanted."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, set_mode, small_vae

X, D = 12, 4
BINARY = np.tile([[0, 1]], (20, X // 2)).astype(np.float32)


def binary(*shape, dtype="float32"):
    return mx.nd.ones(shape, dtype=dtype)


# name: (what is called with a model, error, message)
CALLS = {
    "shape": (lambda vae: vae(binary(7, X + 1)), ValueError, r"data must have shape \(B, 12\), got \(7, 13\)"),
    "image axes": (
        lambda vae: vae(binary(7, 3, 4)),
        ValueError,
        r"data must have shape \(B, 12\), got \(7, 3, 4\): flatten each image, data\.reshape\(\(7, -1\)\)",
    ),
    "labels": (
        lambda vae: vae(binary(7)),
        ValueError,
        r"data must have shape \(B, 12\), got \(7,\): one number an item looks like labels",
    ),
    "dtype": (
        lambda vae: vae(binary(7, X, dtype="int32")),
        TypeError,
        r"data must be float32, the model's dtype, got int32: use data\.astype\('float32'\)",
    ),
    "numpy array": (
        lambda vae: vae(BINARY),
        TypeError,
        r"data must be an mxnet NDArray, got ndarray: use mx\.nd\.array",
    ),
    "grey": (
        lambda vae: vae(binary(7, X) * 0.4),
        ValueError,
        r"data must be 0 or 1 everywhere for a product of Bernoullis, got grey values such as 0\.4 \(84 of 84.*binarise",
    ),
    "negative": (lambda vae: vae(-binary(7, X)), ValueError, "got negative values such as -1"),
    "bytes": (lambda vae: vae(binary(7, X) * 255), ValueError, "got grey values such as 255"),
    "NaN": (lambda vae: vae(binary(7, X) * np.nan), ValueError, r"data has nan at \(0, 0\)"),
    "infinity": (lambda vae: vae(binary(7, X) * np.inf), ValueError, r"data has inf at \(0, 0\)"),
    "empty": (
        lambda vae: vae(nd(np.zeros((0, X)))),
        ValueError,
        r"data must have shape \(B, 12\), got \(0, 12\): it is empty",
    ),
    "noise shape": (
        lambda vae: vae(binary(7, X), binary(7, D + 1)),
        ValueError,
        r"noise must have shape \(\.\.\., 7, 4\), got \(7, 5\)",
    ),
    "noise batch": (lambda vae: vae(binary(7, X), binary(6, D)), ValueError, r"got \(6, 4\)"),
    "samples": (
        lambda vae: gv.IWAE(vae, samples=3)(binary(7, X), binary(2, 7, D)),
        ValueError,
        r"noise must have shape \(3, 7, 4\), got \(2, 7, 4\)",
    ),
    "symbol without noise": (
        lambda vae: vae(mx.sym.var("data")),
        TypeError,
        "noise must be given where the data is a Symbol",
    ),
    "objective, grey": (lambda vae: gv.ELBO(vae)(binary(7, X) / 2), ValueError, "got grey values"),
    "objective, labels": (lambda vae: gv.IWAE(vae, 2)(binary(7)), ValueError, "looks like labels"),
    "inference net": (lambda vae: vae.inference_net(binary(7, X + 1)), ValueError, r"data must have shape \(B, 12\)"),
    "generator": (
        lambda vae: vae.generator(binary(7, D + 1)),
        ValueError,
        r"latent_state must have shape \(\.\.\., B, 4\), got \(7, 5\)",
    ),
    "log_likelihood": (
        lambda vae: vae.generator.log_likelihood(binary(7, D), binary(7, X) / 2),
        ValueError,
        "got grey values",
    ),
    "log_likelihood, one image": (
        lambda vae: vae.generator.log_likelihood(binary(7, D), binary(1, X)),
        ValueError,
        r"latent_state must have shape \(\.\.\., 1, D\), got \(7, 4\)",
    ),
    "generate_sample, noise": (
        lambda vae: vae.generator.generate_sample(binary(7, D), binary(7, 1)),
        ValueError,
        r"noise must have shape \(7, 12\), got \(7, 1\)",
    ),
    "sample_latent_state, numpy": (
        lambda vae: vae.inference_net.sample_latent_state(BINARY, BINARY),
        TypeError,
        "parameters must be an mxnet NDArray, got ndarray",
    ),
    "sample_latent_state, noise": (
        lambda vae: vae.inference_net.sample_latent_state(binary(7, D), binary(7, D), binary(7, D + 1)),
        ValueError,
        r"noise must have shape \(\.\.\., 7, 4\), got \(7, 5\)",
    ),
    "kl, numpy": (
        lambda vae: gv.diagonal_gaussian_kl(BINARY, BINARY),
        TypeError,
        "must be an mxnet NDArray or Symbol, got ndarray",
    ),
    "whole numbers as a model's dtype": (
        lambda vae: vae.cast("int32"),
        TypeError,
        "a model's dtype must be float16, float32, float64 or BFLOAT16, got int32",
    ),
    "fit in bfloat16": (
        lambda vae: (vae.cast(gv.BFLOAT16), fit(vae, BINARY)),
        TypeError,
        "MXNet's optimizers do not know bfloat16: train in float32",
    ),
    "float16 on the CPU": (
        lambda vae: (vae.cast("float16"), vae(binary(7, X, dtype="float16"))),
        TypeError,
        "float16 needs a GPU",
    ),
    "fit, a model": (
        lambda vae: gv.fit(vae, BINARY),
        TypeError,
        r"bound must be an objective such as gluonvae\.ELBO\(vae\), got GaussianVAE",
    ),
    "reconstructions, n": (
        lambda vae: vae.generate_reconstructions(binary(7, X), 0),
        ValueError,
        "n must be positive, got 0",
    ),
    "reconstructions, labels": (
        lambda vae: vae.generate_reconstructions(binary(7), 1),
        ValueError,
        "looks like labels",
    ),
    "reconstructions, image": (
        lambda vae: vae.generate_reconstructions(binary(7, X), 1, "men"),
        ValueError,
        "image must be one of mean, mode, sample, got 'men'; did you mean 'mean'",
    ),
    "phantasize": (lambda vae: vae.phantasize(2.5), TypeError, r"n must be a positive whole number, got 2\.5"),
    "fit, labels": (lambda vae: fit(vae, np.arange(20)), ValueError, "looks like labels"),
    "fit, labels as validation": (
        lambda vae: fit(vae, BINARY, np.arange(20) % 2),
        ValueError,
        "valid must .*looks like labels",
    ),
    "fit, pair": (lambda vae: fit(vae, (BINARY, np.arange(20))), TypeError, "train must be values alone, got a pair"),
    "fit, grey": (lambda vae: fit(vae, BINARY * 0.5), ValueError, r"train must be 0 or 1.*binarise"),
    "fit, NaN": (lambda vae: fit(vae, BINARY * np.nan), ValueError, "train has nan"),
    "fit, width": (
        lambda vae: fit(vae, BINARY[:, 1:]),
        ValueError,
        "train must be images of 12 values each, got 20 of 11",
    ),
    "fit, empty": (
        lambda vae: fit(vae, BINARY[:0]),
        ValueError,
        r"train must hold at least one image, got shape \(0, 12\)",
    ),
    "fit, text": (lambda vae: fit(vae, np.array([["a"] * X])), TypeError, "train must be numbers, got dtype <U1"),
    "fit, batch": (
        lambda vae: fit(vae, BINARY, batch_size=21),
        ValueError,
        "batch_size 21 is larger than the data: train has 20 images",
    ),
    "fit, batch 0": (lambda vae: fit(vae, BINARY, batch_size=0), ValueError, "batch_size must be positive, got 0"),
    "fit, epochs": (lambda vae: fit(vae, BINARY, epochs=-1), ValueError, "epochs must be positive, got -1"),
    "fit, optimizer": (
        lambda vae: fit(vae, BINARY, optimizer="adm"),
        ValueError,
        "optimizer must be one of .*got 'adm'; did you mean 'adam'",
    ),
    "fit, learning rate": (
        lambda vae: fit(vae, BINARY, learning_rate=0),
        ValueError,
        "learning_rate must be positive, got 0",
    ),
    "fit, beta of IWAE": (
        lambda vae: gv.fit(gv.IWAE(vae), BINARY, batch_size=5, beta=lambda step: 1),
        ValueError,
        "IWAE has no weight beta",
    ),
    "evaluate, labels": (
        lambda vae: gv.evaluate(gv.ELBO(vae), np.arange(20)),
        ValueError,
        "data must .*looks like labels",
    ),
    "beta": (lambda vae: gv.ELBO(vae, beta=-1), ValueError, "beta must be a finite number, not negative, got -1"),
    "beta NaN": (lambda vae: gv.ELBO(vae, beta=float("nan")), ValueError, "beta must be a finite number"),
    "samples 0": (lambda vae: gv.IWAE(vae, samples=0), ValueError, "samples must be positive, got 0"),
    "objective of a net": (
        lambda vae: gv.ELBO(vae.generator),
        TypeError,
        "vae must be a VAE, got ProductOfBernoullisGenerator",
    ),
}


def fit(vae, *data, **options):
    return gv.fit(gv.ELBO(vae), *data, **{"batch_size": 5, "epochs": 1, "progress": False, **options})


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, mode):
    call, error, message = CALLS[name]
    vae = small_vae()
    set_mode(vae, mode)
    with pytest.raises(error, match=message):
        call(vae)


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("Normal", gv.generator.LIKELIHOODS, "gaussian"),
        ("NB", gv.generator.LIKELIHOODS, "negative_binomial"),
        ("zinb", gv.generator.LIKELIHOODS, "zero_inflated_negative_binomial"),
        ("normal", gv.inference.POSTERIORS, "gaussian"),
        ("gumbel_softmax", gv.inference.POSTERIORS, "relaxed_one_hot"),
        ("beta-VAE", gv.objectives.BOUNDS, "elbo"),
        ("VQ-VAE", gv.objectives.BOUNDS, "vq"),
        ("normal", gv.objectives.BOUNDS, None),
        ("cnn", gv.networks.ENCODERS, "conv"),
    ],
)
def test_other_names_of_the_field_are_understood(given, known, meant):
    with pytest.raises(ValueError, match="must be one of") as error:
        gv.checks.known_name("it", given, known)
    assert meant is None or str(error.value).endswith(f"got {given!r}; did you mean {meant!r}?")


@pytest.mark.parametrize("name", gv.checks.SYNONYMS.values())
def test_synonyms_are_of_names_that_there_are(name):
    of_parts = (gv.generator.LIKELIHOODS, gv.inference.POSTERIORS, gv.prior.PRIORS, gv.objectives.BOUNDS)
    known = [
        *gv.networks.ENCODERS,
        *gv.networks.PRECISIONS,
        "adam",
        "gpu",
        *(name for part in of_parts for name in part),
    ]
    assert name in map(gv.checks.normalised, known)
