"""What the command is asked reaches the model and the training; the training itself is left out."""

import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main, parser
from gluonvae.training.run import load_run
from tests.helpers.commands import SMALL


def test_every_option_reaches_the_training(asked_of_fit, tmp_path):
    options = ["--epochs", "8", "--anneal", "beta=linear:0:0.5:2",
               "--optimizer", "rmsprop", "--learning-rate", "0.01", "--learning-rate-schedule", "cosine",
               "--inference-activation", "relu", "--generator-activation", "elu", "--binarization", "threshold",
               "--samples", "2"]  # fmt: skip
    assert main(["train", *SMALL, *options, "--out", str(tmp_path / "run")]) == 0
    (asked,) = asked_of_fit
    assert isinstance(asked["bound"], gv.ELBO)
    assert asked["bound"].samples == 2
    assert asked["bound"]._active
    assert (asked["epochs"], asked["batch_size"], asked["optimizer"]) == (8, 500, "rmsprop")
    assert asked["train"].binarization == asked["valid"].binarization == "threshold"
    # 8 steps an epoch: β rises over 16 steps, the learning rate falls over 64 to a hundredth
    np.testing.assert_allclose([asked["weights"]["beta"](step) for step in (0, 15, 63)], [0, 0.5, 0.5])
    np.testing.assert_allclose([asked["learning_rate"](step) for step in (0, 63)], [0.01, 0.0001])
    assert "elu" in gv.summary(asked["bound"]).lower()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model"] == {
        "latent_type": "gaussian", "likelihood": "bernoulli_prod", "generator_layer_sizes": [8],
        "infer_layer_sizes": [8], "latent_variable_size": 3, "data_dims": 784, "generator_act_type": "elu",
        "infer_act_type": "relu", "prior": "standard", "likelihood_options": {}, "latent_options": {},
        "prior_options": {}, "label_size": 0, "classifier_layer_sizes": None, "data_shape": [28, 28],
        "generator_body": "mlp", "infer_body": "mlp", "generator_body_options": {}, "infer_body_options": {},
    }  # fmt: skip


def test_other_options_reach_the_training(asked_of_fit, tmp_path):
    options = ["--bound", "iwae", "--samples", "5", "--imperative", "--learning-rate-schedule", "constant"]
    assert main(["train", *SMALL, *options, "--out", str(tmp_path / "a")]) == 0
    assert main(["train", *SMALL, "--beta", "3", "--out", str(tmp_path / "b")]) == 0
    iwae, elbo = asked_of_fit
    assert isinstance(iwae["bound"], gv.IWAE)
    assert iwae["bound"].samples == 5
    assert not iwae["bound"]._active
    assert iwae["learning_rate"] == 2e-3
    assert elbo["bound"].beta == 3
    assert elbo["weights"] == {}


def test_parts_and_their_options_reach_the_model(asked_of_fit, tmp_path):
    options = ["--likelihood", "gaussian", "--likelihood-options", "std=0.5", "--posterior", "gaussian",
               "--posterior-options", "std=exp", "shared_layers=None", "--prior", "mixture", "--prior-options",
               "components=3", "--bound", "iwae", "--bound-options", "gradient=stl", "--samples", "4"]  # fmt: skip
    assert main(["train", *SMALL, *options, "--out", str(tmp_path / "run")]) == 0
    bound = asked_of_fit[0]["bound"]
    assert (bound.samples, bound.gradient) == (4, "stl")
    assert isinstance(bound.vae.generator, gv.GaussianGenerator)
    assert isinstance(bound.vae.prior, gv.MixturePrior)
    assert bound.vae.prior.components == 3
    # all hidden layers are shared: a head is one layer
    assert len(bound.vae.inference_net.std_head) == 1
    assert asked_of_fit[0]["train"].binarization == "grey"
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model"]["likelihood_options"] == {"std": 0.5}
    assert config["model"]["latent_options"] == {"std": "exp", "shared_layers": None}
    assert config["model"]["prior_options"] == {"components": 3}
    assert config["asked"]["bound_options"] == {"gradient": "stl"}
    assert config["asked"]["binarization"] == "grey"


def test_names_in_any_spelling(tmp_path):
    options = ["--likelihood", "ContinuousBernoulli", "--posterior", "realNVP", "--prior", "Real-NVP",
               "--bound", "FreeBits", "--bound-options", "groups=1", "--inference-body", "gatedMLP",
               "--generator-body", "MLP", "--inference-activation", "ReLU", "--generator-activation", "leaky_relu"]  # fmt: skip
    assert main(["train", *SMALL, *options, "--epochs", "1", "--out", str(tmp_path / "run")]) == 0
    vae, _ = load_run(tmp_path / "run", mx.cpu())
    assert isinstance(vae.generator, gv.ContinuousBernoulliGenerator)
    assert isinstance(vae.inference_net, gv.RealNVPInferenceNetwork)
    assert isinstance(vae.prior, gv.FlowPrior)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    names = {"likelihood": "continuous_bernoulli", "latent_type": "real_nvp", "prior": "real_nvp",
             "infer_body": "gated_mlp", "generator_body": "mlp", "infer_act_type": "relu",
             "generator_act_type": "leakyrelu"}  # fmt: skip
    assert {key: config["model"][key] for key in names} == names
    assert (config["asked"]["bound"], config["asked"]["posterior"]) == ("free_bits", "real_nvp")


@pytest.mark.parametrize(
    ("flag", "kinds", "typed", "nearest"),
    [
        ("--likelihood", gv.generator.LIKELIHOODS, "gausian", "gaussian"),
        ("--posterior", gv.inference.POSTERIORS, "realNPV", "real_nvp"),
        ("--prior", gv.prior.PRIORS, "vampp", "vamp"),
        ("--bound", gv.objectives.BOUNDS, "elob", "elbo"),
        ("--inference-body", gv.networks.ENCODERS, "ResidualNet", "residual"),
        ("--generator-body", gv.networks.DECODERS, "gated-mpl", "gated_mlp"),
        ("--inference-activation", gv.networks.ACTIVATIONS, "leaky_rel", "leakyrelu"),
        ("--generator-activation", gv.networks.ACTIVATIONS, "tahn", "tanh"),
    ],
)
def test_names_that_are_unknown(flag, kinds, typed, nearest, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", flag, typed])
    assert stop.value.code == 2
    known = f"{flag[2:].replace('-', ' ')} must be one of {', '.join(sorted(kinds))}"
    error = f"gluonvae train: error: argument {flag}: the {known}, got {typed!r}; did you mean {nearest!r}?"
    assert error in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--bound", "vq", "--samples", "2"], ["--bound", "iwae", "--beta", "2"]])
def test_a_number_that_a_bound_does_not_have(words, tmp_path, capsys):
    quantized = ["--posterior", "vector_quantized", "--prior", "codebook", "--latent-size", "8"] * ("vq" in words)
    assert main(["train", *SMALL, *words, *quantized, "--out", str(tmp_path / "run")]) == 2
    assert f"{words[2]} is of some bounds; {words[1]} has no {words[2][2:]}" in capsys.readouterr().err


def test_a_bound_is_given_the_size_of_the_data(asked_of_fit, tmp_path):
    assert main(["train", *SMALL, "--bound", "beta_tc", "--beta", "4", "--out", str(tmp_path / "run")]) == 0
    bound = asked_of_fit[0]["bound"]
    assert bound.beta == 4
    assert bound.log_size == pytest.approx(np.log(4000))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x=3", 3), ("x=0.5", 0.5), ("x=None", None), ("x=True", True), ("x=[8, 8]", [8, 8]), ("x=unit", "unit"),
        ("x='3'", "3"), ("x=a=b", "a=b"), ("x=", ""), ("x={1}", "{1}"),
    ],
)  # fmt: skip
def test_values_of_options(text, value):
    assert parser().parse_args(["train", "--prior-options", text]).prior_options == {"x": value}


def test_options_given_twice_add_up():
    asked = parser().parse_args(["train", "--bound-options", "x=1", "--bound-options", "y=2", "x=3"])
    assert asked.bound_options == {"x": 3, "y": 2}
    assert parser().parse_args(["train"]).bound_options == {}


@pytest.mark.parametrize("option", ["components", "=3"])
def test_options_without_a_value(option, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--prior-options", option])
    assert f"argument --prior-options: '{option}' must be KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("likelihood", "low", "high"), [("bernoulli_prod", 0, 1), ("gaussian", 0, 1), ("poisson", 0, 255)]
)
def test_pictures_have_the_range_of_the_data(likelihood, low, high, asked_of_fit, tmp_path):
    assert main(["train", *SMALL, "--likelihood", likelihood, "--out", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["limits"] == [low, high]


def test_the_device_reaches_the_model(asked_of_fit, monkeypatch, tmp_path):
    from gluonvae.backend.runtime import mx
    from gluonvae.cli import train

    monkeypatch.setattr(train, "devices", lambda name, count: {"gpu:3": [mx.cpu(3)]}[name])
    assert main(["train", *SMALL, "--device", "gpu:3", "--out", str(tmp_path / "run")]) == 0
    assert asked_of_fit[0]["bound"].vae.context == mx.cpu(3)
