"""Bad input is refused at the user's call, saying what was given and what was wanted."""

import numpy as np
import pytest
from conftest import nd, set_mode, small_vae

import gluonvae as gv
from gluonvae.backend.runtime import device, mx
from gluonvae.data import Dataset

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
        lambda vae: (vae.cast(gv.backend.operators.BFLOAT16), fit(vae, BINARY)),
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
    "fit, pair": (lambda vae: fit(vae, (BINARY, np.arange(20))), TypeError, "train must be images alone, got a pair"),
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
    "likelihood": (lambda: gv.construct_vae(likelihood="bernouliProd"), ValueError, "did you mean 'bernoulliProd'"),
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
    "shape of digits": (lambda: gv.data.load("digits", shape=(28, 28)), ValueError, "shape is for your own data"),
    "folder of digits": (lambda: gv.data.load("digits", folder="."), ValueError, "a data folder is for mnist"),
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
        lambda: gv.construct_vae(likelihood_options={"std": 1}),
        ValueError,
        "the likelihood 'bernoulliProd' has no options, got 'std'",
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
    "bins of no size": (lambda: gv.flows.SplineCoupling(4, [], bins=1000), ValueError, "bins must be fewer than 1000"),
    "limit of splines": (
        lambda: gv.flows.SplineCoupling(4, [], limit=float("inf")),
        ValueError,
        "limit must be a positive number, got inf",
    ),
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
    "grey range": (
        lambda: Dataset(BINARY * 300),
        ValueError,
        r"between 0 and 1, or be whole numbers from 0 to 255, got float32",
    ),
    "grey bytes as floats": (lambda: Dataset(BINARY * 255), ValueError, "divide the images by 255"),
    "negative images": (lambda: Dataset(BINARY - 1), ValueError, "from -1 to 0"),
    "NaN in images": (lambda: Dataset(BINARY * np.nan), ValueError, r"images has nan at \(0, 0\)"),
    "labels as images": (lambda: Dataset(np.arange(20)), ValueError, "looks like labels"),
    "images as labels": (
        lambda: Dataset(BINARY, labels=BINARY),
        ValueError,
        r"labels must have shape \(20,\), one an image, got \(20, 12\): are images and labels mixed up",
    ),
    "shape of images": (
        lambda: Dataset(BINARY, shape=(3, 5)),
        ValueError,
        r"shape \(3, 5\) has 15 values an image.* have 12",
    ),
    "binarization": (lambda: Dataset(BINARY, binarization="dynamc"), ValueError, "did you mean 'dynamic'"),
    "binarization of digits": (lambda: gv.data.load("digits", binarization="onec"), ValueError, "did you mean 'once'"),
    "too few to split": (lambda: gv.data.split(Dataset(BINARY), 10, 10), ValueError, "20 images cannot be split"),
    "data set": (
        lambda: gv.data.load("digts"),
        ValueError,
        "data set must be one of .*got 'digts'; did you mean 'digits'",
    ),
    "data folder": (
        lambda: gv.data.load("mnist", "/no/such/folder"),
        gv.data.DataError,
        "data folder /no/such/folder is not a folder",
    ),
    "no file": (
        lambda: gv.data.load("/no/such/file.npy"),
        gv.data.DataError,
        r"/no/such/file\.npy cannot be read as arrays of numbers: .*No such file",
    ),
    "no npz": (lambda: gv.data.load("/no/such/file.npz"), gv.data.DataError, r"/no/such/file\.npz cannot be read"),
    "other file": (lambda: gv.data.load("/no/file.txt"), gv.data.DataError, "must be an .npy or .npz file or a folder"),
    "device": (lambda: device("tpu"), ValueError, "device must be cpu, gpu or gpu:N, got 'tpu'"),
    "device number": (lambda: device("cpu:3"), ValueError, "device must be cpu, gpu or gpu:N"),
    "GPU that is not there": (lambda: device("gpu:99"), ValueError, r"device gpu:99 is not there: MXNet sees \d+ GPU"),
    "cycles": (lambda: gv.schedules.cyclical(10, cycles=5), ValueError, "5 cycles need at least 20 steps, got 10"),
    "ramp": (lambda: gv.schedules.cyclical(10, ramp=1.5), ValueError, "ramp must lie between 0 and 1, got 1.5"),
    "steps": (lambda: gv.schedules.linear(0, 1, 0), ValueError, "steps must be positive, got 0"),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()


FILES = {
    "rubbish npy": ("x.npy", b"rubbish", r"x\.npy cannot be read as arrays of numbers"),
    "rubbish npz": ("x.npz", b"rubbish", r"x\.npz cannot be read as arrays of numbers"),
    "empty npz": ("x.npz", b"", r"x\.npz cannot be read as arrays of numbers"),
    "rubbish picture": ("images/x.png", b"rubbish", r"x\.png cannot be read as an image"),
    "no picture": ("images/x.txt", b"text", "holds neither train.npy nor image files"),
}


@pytest.mark.parametrize("name", FILES)
def test_own_files(name, tmp_path):
    file, content, message = FILES[name]
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(gv.data.DataError, match=message):
        gv.data.load(str(tmp_path / file.split("/")[0]))


def test_npz_of_unknown_names(tmp_path):
    np.savez(tmp_path / "x.npz", a=BINARY, b=BINARY)
    with pytest.raises(gv.data.DataError, match=r"x\.npz holds a, b: name the images 'train'"):
        gv.data.load(str(tmp_path / "x.npz"))


def test_images_of_several_sizes(tmp_path):
    from PIL import Image

    for size in (3, 4):
        Image.fromarray(np.zeros((size, size), np.uint8)).save(tmp_path / f"{size}.png")
    with pytest.raises(gv.data.DataError, match=r"4\.png has shape \(4, 4\).*3\.png has \(3, 3\)"):
        gv.data.load(str(tmp_path))


def test_abstract_blocks_say_what_to_define():
    class Half(gv.Generator):
        pass

    generator = Half(12)
    with pytest.raises(NotImplementedError, match=r"Half must define hybrid_forward"):
        generator(binary(7, 4))
    with pytest.raises(NotImplementedError, match=r"Half must define check_support"):
        generator.log_likelihood(binary(7, 4), binary(7, 12))
