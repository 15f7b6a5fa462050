"""Options that would have no effect are refused, and those that have one are not."""

import numpy as np
import pytest

from gluonvae.cli.effects import RULES
from gluonvae.cli.main import main, parser
from tests.helpers.commands import without_pictures

WITHOUT = [
    ("--anneal beta=linear:0:1:2 --beta 2", "--beta is what --anneal beta=... sets"),
    ("--anneal learning-rate=cosine:1:0 --learning-rate 0.1", "--learning-rate has no effect beside --anneal"),
    ("--anneal learning_rate=cosine:1:0 --learning-rate-schedule cosine", "--learning-rate-schedule has no effect"),
    ("--classifier-layers 10", "--classifier-layers is for --bound semi_supervised, got elbo"),
    ("--labels 40", "--labels is for --bound semi_supervised, got elbo"),
    ("--bound iwae --beta 2", "--beta is of some bounds; iwae has no beta"),
    ("--bound semi_supervised --labels 40 --samples 5", "--samples is of some bounds; semi_supervised has no samples"),
    ("--inference-layers --inference-activation relu", "--inference-activation is of hidden layers"),
    ("--inference-layers --inference-activation tanh", "--inference-activation is of hidden layers"),
    ("--inference-body cifarResNet --inference-activation relu --shape 8 8", "--inference-activation is of hidden"),
    ("--posterior planar --inference-layers --inference-activation relu", "--inference-activation is of hidden"),
    ("--posterior iaf --posterior-options hidden_sizes=[] --inference-layers --inference-activation relu", "--infer"),
    ("--generator-layers --generator-activation relu", "--generator-activation is of hidden layers"),
    ("--verbose --quiet", "--verbose logs lines, and --quiet leaves them out"),
    ("--binarization dynamic", "--binarization dynamic has no effect: the images are zeros and ones already"),
    ("--binarization once", "--binarization once has no effect"),
    ("--binarization threshold", "--binarization threshold has no effect"),
    ("--likelihood gaussian --binarization grey", "--binarization grey has no effect"),
    ("--shape 8 8 --data digits", "shape is for your own data"),
    ("--data-dir .", "a data folder is for mnist and other named data sets"),
]
WITH = [
    "--binarization none",
    "--inference-layers --posterior real_nvp --inference-activation relu",
    "--inference-layers --posterior ladder --prior hierarchical --latent-size 3 2 --inference-activation relu",
    "--inference-body residual --inference-activation relu",
    "--anneal beta=linear:0.5:1:1 learning_rate=linear:0:0.001 --samples 1",
    "--seed 3 --beta 1 --samples 1 --learning-rate-schedule constant",
    "--conditional --labels 40 --bound semi_supervised --classifier-layers 5",
]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    without_pictures(monkeypatch)


@pytest.fixture
def mine(tmp_path):
    path, rng = tmp_path / "mine.npz", np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 2, (200, 8, 8)), labels=np.arange(200) % 4)
    return ["train", "--data", str(path), "--epochs", "1", "--latent-size", "4", "--out", str(tmp_path / "run")]


@pytest.mark.parametrize(("words", "message"), WITHOUT)
def test_without_effect(words, message, mine, tmp_path, capsys):
    assert main([*mine, *words.split()]) == 2
    assert capsys.readouterr().err.startswith(f"gluonvae train: {message}")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", WITH)
def test_with_effect(words, mine):
    assert main([*mine, *words.split()]) == 0


def test_rules_are_of_arguments_that_there_are():
    actions = next(action for action in parser()._actions if action.dest == "command").choices["train"]._actions
    flags = {option: action.dest for action in actions for option in action.option_strings}
    assert all(flags[rule.option] == rule.name for rule in RULES)


@pytest.mark.parametrize("command", ["evaluate", "reconstruct"])
def test_more_images_than_there_are(command, mine, tmp_path, capsys):
    assert main([*mine, "--quiet"]) == 0
    assert main([command, str(tmp_path / "run"), "--images", "21"]) == 2
    assert "--images 21 is more than there are: the test set has 20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--bound renyi --bound-options alpha=inf", "alpha must be a finite number, got inf"),
        ("--bound renyi --bound-options alpha=1e999", "alpha must be a finite number, got 1e999"),
        ("--prior-options learned=NaN", "learned must be a finite number, got NaN"),
    ],
)
def test_values_that_are_not_finite(words, part, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", *words.split()])
    assert part in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (
            "--bound free_bits --bound-options free_bits=many",
            "free_bits of the bound 'free_bits' must be a number, got 'm",
        ),
        (
            "--inference-body conv --inference-body-options batch_norm=nope",
            "batch_norm of the infer_body 'conv' must be Tr",
        ),
        (
            "--inference-body conv --inference-body-options batch_norm=1",
            "batch_norm of the infer_body 'conv' must be True",
        ),
        ("--posterior-options std=True", "std must be one of exp, softplus, got True"),
        ("--bound iwae --bound-options samples=true", "samples of the bound 'iwae' must be a number, got True"),
        ("--posterior iaf --posterior-options hidden_sizes=wide", "hidden_sizes must be a list of layer widths"),
    ],
)
def test_options_of_another_type(words, part, mine, capsys):
    assert main([*mine, *words.split()]) == 2
    assert part in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [("false", False), ("False", False), ("FALSE", False), ("no", False), ("off", False), ("true", True), ("yes", True),
     ("none", None), ("null", None), ("0", 0), ("nothing", "nothing")],
)  # fmt: skip
def test_truth_values(text, value):
    (read,) = parser().parse_args(["train", "--prior-options", f"x={text}"]).prior_options.values()
    assert (read, type(read)) == (value, type(value))


def test_a_false_option_is_false(mine, tmp_path):
    """``batch_norm=false`` is a model without batch norm, which has no running means."""
    body = ["--inference-body", "conv", "--inference-layers", "4", "--inference-body-options"]
    sizes = {}
    for word in ("false", "true"):
        words = [*mine[:-1], str(tmp_path / word), *body, f"batch_norm={word}", "--quiet"]
        assert main(words) == 0
        sizes[word] = (tmp_path / word / "model.params").read_bytes().count(b"running_mean")
    assert sizes["false"] == 0 < sizes["true"]
