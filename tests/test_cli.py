"""The command: a run of the README's length on the digits, and what a person does with it."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

import gluonvae as gv
from gluonvae.cli.main import main, parser

SMALL = ["--inference-layers", "8", "--generator-layers", "8", "--latent-size", "3", "--batch-size", "500"]
RELAXED = ["--posterior", "relaxedBernoulli", "--prior", "codes"]


def gluonvae(*arguments, **options):
    command = [sys.executable, "-m", "gluonvae", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def is_picture(path):
    pixels = matplotlib_image.imread(path)
    return pixels.ndim == 3 and pixels[..., :3].std() > 0.05


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the README's command writes: the tutorial's model trained on the digits."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    started = time.perf_counter()
    done = gluonvae("train", "--out", folder)
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return folder, done, seconds


def test_train_reaches_the_bound_in_the_time(run):
    folder, done, seconds = run
    result = json.loads((folder / "result.json").read_text())
    assert result["test_bound"] >= -109
    assert f"test bound {result['test_bound']:.2f} nats per image" in done.stdout
    assert seconds < 180


def test_train_shows_progress(run):
    for part in ("epoch ", "img/s", "bound -", "validation -", "KL "):
        assert part in run[1].stderr


def test_train_writes_a_whole_run(run):
    folder = run[0]
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "curves.png", "metrics.jsonl", "model.params", "reconstructions.png", "result.json",
        "samples.png",
    ]  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    assert config["model"]["infer_layer_sizes"] == [500, 200]
    assert config["model"]["latent_variable_size"] == 100
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in metrics] == list(range(1, config["asked"]["epochs"] + 1))
    assert metrics[-1]["valid_bound"] > metrics[0]["valid_bound"] + 50
    for name in ("curves", "reconstructions", "samples"):
        assert is_picture(folder / f"{name}.png")


def test_the_model_comes_back_with_its_bound(run):
    from pathlib import Path

    from gluonvae.training.run import load_run

    from gluonvae.backend.runtime import mx

    vae, _ = load_run(Path(run[0]), mx.cpu())
    result = json.loads((run[0] / "result.json").read_text())
    assert gv.evaluate(gv.ELBO(vae), gv.data.load("digits").test).bound == pytest.approx(result["test_bound"], rel=1e-6)


def test_sample(run, tmp_path):
    assert main(["sample", str(run[0]), "-n", "12"]) == 0
    assert is_picture(run[0] / "samples-seed7.png")
    for image in ("mean", "mode", "sample"):
        assert main(["sample", str(run[0]), "-n", "12", "--image", image, "--out", str(tmp_path / f"{image}.npy")]) == 0
        images = np.load(tmp_path / f"{image}.npy")
        assert images.shape == (12, 784)
        assert image == "mean" or set(np.unique(images)) == {0, 1}
    assert main(["sample", str(run[0]), "-n", "12", "--image", "mean", "--out", str(tmp_path / "again.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "mean.npy"), np.load(tmp_path / "again.npy"))


def test_reconstruct(run, tmp_path):
    assert main(["reconstruct", str(run[0]), "--images", "4", "-n", "3"]) == 0
    assert is_picture(run[0] / "reconstructions-seed7.png")
    out = tmp_path / "x.npy"
    assert main(["reconstruct", str(run[0]), "--images", "20", "-n", "3", "--out", str(out)]) == 0
    images, originals = np.load(out), gv.data.load("digits").test.batch(slice(20))
    assert images.shape == (3, 20, 784)
    # a reconstruction is closer to its own original than to any other
    distances = ((images[0][:, None] - originals[None]) ** 2).sum(-1)
    assert (distances.argmin(axis=1) == np.arange(20)).mean() > 0.9


@pytest.fixture
def asked_of_fit(monkeypatch):
    """What the command calls fit with: the training itself is left out."""
    from gluonvae.cli import commands

    calls = []

    def fit(bound, train, valid, **options):
        calls.append({"bound": bound, "train": train, "valid": valid, **options})
        return gv.History()

    monkeypatch.setattr(commands, "fit", fit)
    return calls


def test_evaluate(run, capsys):
    assert main(["evaluate", str(run[0]), "--images", "50", "--samples", "200"]) == 0
    printed = capsys.readouterr()
    found = re.search(r"log-likelihood (-\d+\.\d\d) nats per image .*50 test images, 200 samples each", printed.out)
    assert "sample" in printed.err
    from pathlib import Path

    from gluonvae.training.run import load_run

    from gluonvae.backend.runtime import mx

    vae, _ = load_run(Path(run[0]), mx.cpu())
    test = gv.data.load("digits").test.subset(slice(50))
    assert float(found[1]) > gv.evaluate(gv.ELBO(vae), test).bound + 1


def test_every_option_reaches_the_training(asked_of_fit, tmp_path):
    options = ["--epochs", "8", "--beta", "0.5", "--beta-schedule", "linear", "--beta-epochs", "2",
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
        "latent_type": "gaussian", "likelihood": "bernoulliProd", "generator_layer_sizes": [8],
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


def test_cyclical_beta(asked_of_fit, tmp_path):
    options = ["--beta-schedule", "cyclical", "--beta-epochs", "2", "--epochs", "6"]
    assert main(["train", *SMALL, *options, "--out", str(tmp_path / "run")]) == 0
    betas = np.array([asked_of_fit[0]["weights"]["beta"](step) for step in range(48)])
    assert list(np.flatnonzero(betas == 0)) == [0, 16, 32]


def test_any_weight_can_be_annealed(asked_of_fit, tmp_path):
    options = ["--bound", "capacity", "--bound-options", "capacity=10", "gamma=30", "--anneal", "capacity"]
    schedule = ["--beta-schedule", "linear", "--beta-epochs", "2"]
    assert main(["train", *SMALL, *options, *schedule, "--epochs", "6", "--out", str(tmp_path / "run")]) == 0
    (asked,) = asked_of_fit
    assert (asked["bound"].capacity, asked["bound"].gamma) == (10, 30)
    assert list(asked["weights"]) == ["capacity"]
    np.testing.assert_allclose([asked["weights"]["capacity"](step) for step in (0, 15, 40)], [0, 10, 10])


def test_a_temperature_falls(asked_of_fit, tmp_path):
    parts = [*RELAXED, "--posterior-options", "temperature=0.4"]
    schedule = ["--anneal", "temperature", "--anneal-from", "1", "--beta-schedule", "linear", "--beta-epochs", "2"]
    assert main(["train", *SMALL, *parts, *schedule, "--epochs", "6", "--out", str(tmp_path / "run")]) == 0
    (asked,) = asked_of_fit
    assert list(asked["weights"]) == ["temperature"]
    np.testing.assert_allclose([asked["weights"]["temperature"](step) for step in (0, 40)], [1, 0.4])


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


def test_a_bound_is_given_the_size_of_the_data(asked_of_fit, tmp_path):
    assert main(["train", *SMALL, "--bound", "beta_tc", "--beta", "4", "--out", str(tmp_path / "run")]) == 0
    bound = asked_of_fit[0]["bound"]
    assert bound.beta == 4
    assert bound.parts.log_size == pytest.approx(np.log(4000))


KINDS = [
    *(["--likelihood", name] for name in gv.generator.LIKELIHOODS),
    *(["--posterior", name] for name in gv.inference.POSTERIORS),
    *(["--prior", name] for name in gv.prior.PRIORS),
    *(["--bound", name] for name in gv.objectives.BOUNDS),
]


# what else a kind goes with
LAYERED = ["--prior", "hierarchical", "--latent-size", "3", "2"]
DISCRETE = ["--prior", "codes", "--bound", "nvil"]
ONE_HOT = ["--latent-size", "6", "--posterior-options", "categories=3"]
QUANTIZED = ["--posterior", "vectorQuantized", "--posterior-options", "code_size=2", "codes=4"]
QUANTIZED += ["--prior", "codebook", "--bound", "vq", "--latent-size", "6"]
COMPANIONS = {
    ("--likelihood", "categorical"): ["--likelihood-options", "categories=4"],
    ("--posterior", "hierarchical"): LAYERED,
    ("--posterior", "ladder"): LAYERED,
    ("--prior", "hierarchical"): [*LAYERED, "--posterior", "hierarchical"],
    ("--posterior", "bernoulli"): DISCRETE,
    ("--posterior", "categorical"): [*DISCRETE, *ONE_HOT],
    ("--posterior", "relaxedBernoulli"): ["--prior", "codes"],
    ("--posterior", "relaxedOneHot"): ["--prior", "codes", *ONE_HOT],
    ("--prior", "codes"): ["--posterior", "relaxedBernoulli"],
    ("--posterior", "vectorQuantized"): QUANTIZED,
    ("--prior", "codebook"): QUANTIZED,
    ("--bound", "vq"): QUANTIZED,
    ("--prior", "conditional"): ["--conditional"],
    ("--bound", "semi_supervised"): ["--labels", "6"],
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
def test_every_kind_trains_by_name_and_comes_back(kind, tmp_path, rng, capsys):
    images, labels = rng.integers(0, 256, (50, 6, 4), dtype=np.uint8), np.arange(50) % 3
    if kind == ["--likelihood", "categorical"]:
        images = np.eye(4)[rng.integers(0, 4, (50, 6))]
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    kind = [*kind, *COMPANIONS.get(tuple(kind), [])]
    arguments = ["--data", str(tmp_path / "mine.npz"), "--shape", "6", "4", "--epochs", "1", "--batch-size", "10"]
    folder = str(tmp_path / "run")
    assert main(["train", *SMALL, *kind, *arguments, "--out", folder]) == 0
    for name in ("samples", "reconstructions"):
        assert is_picture(tmp_path / "run" / f"{name}.png")
    assert main(["sample", folder, "--image", "sample", "--out", str(tmp_path / "x.npy")]) == 0
    assert np.isfinite(np.load(tmp_path / "x.npy")).all()
    assert main(["reconstruct", folder, "--images", "3"]) == 0
    # nothing is drawn, or labels are summed out: there are no importance weights, and the command says so
    unweighted = {"vq", "semi_supervised"} & set(kind)
    assert main(["evaluate", folder, "--samples", "20"]) == (2 if unweighted else 0)
    assert ("no importance weights" in capsys.readouterr().err) == bool(unweighted)


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
    ("likelihood", "low", "high"), [("bernoulliProd", 0, 1), ("gaussian", 0, 1), ("poisson", 0, 255)]
)
def test_pictures_have_the_range_of_the_data(likelihood, low, high, asked_of_fit, tmp_path):
    assert main(["train", *SMALL, "--likelihood", likelihood, "--out", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["limits"] == [low, high]


def test_the_device_reaches_the_model(asked_of_fit, monkeypatch, tmp_path):
    from gluonvae.backend.runtime import mx
    from gluonvae.cli import commands

    monkeypatch.setattr(commands, "device", lambda name: {"gpu:3": mx.cpu(3)}[name])
    assert main(["train", *SMALL, "--device", "gpu:3", "--out", str(tmp_path / "run")]) == 0
    assert asked_of_fit[0]["bound"].vae.context == mx.cpu(3)


@pytest.mark.parametrize("options", [["--bound", "iwae", "--samples", "3"], ["--beta-schedule", "cyclical"], ["-v"]])
def test_other_trainings_end_well(options, tmp_path):
    assert main(["train", *SMALL, *options, "--epochs", "2", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize("shape", [(15,), (3, 8, 8), (1, 8, 8), (8, 8, 3), (8, 8, 2)])
def test_pictures_of_own_data_where_it_has_any(shape, tmp_path, rng, caplog):
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, *shape), dtype=np.uint8))
    arguments = ["--data", str(tmp_path / "mine.npy"), "--out", str(tmp_path / "run"), "--epochs", "1"]
    assert main(["train", *SMALL, *arguments, "--batch-size", "10"]) == 0
    drawn = shape not in ((15,), (8, 8, 2))
    assert (tmp_path / "run" / "samples.png").exists() == drawn
    assert (tmp_path / "run" / "curves.png").exists()
    assert ("are not drawn" in caplog.text) != drawn
    assert main(["sample", str(tmp_path / "run"), "--out", str(tmp_path / "x.npy")]) == 0


def test_a_run_on_own_data_works_from_another_folder(tmp_path, rng, monkeypatch):
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, 6, 4), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    assert main(["train", *SMALL, "--batch-size", "10", "--epochs", "1", "--data", "mine.npy", "--out", "run"]) == 0
    monkeypatch.chdir(tmp_path / "other")
    assert main(["reconstruct", "../run", "--images", "3"]) == 0


@pytest.mark.parametrize("layers", [[], ["5", "4", "3"]])
def test_layers_of_any_number(layers, tmp_path):
    assert (
        main(
            [
                "train",
                *SMALL,
                "--inference-layers",
                *layers,
                "--generator-layers",
                *layers,
                "--epochs",
                "1",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )


def test_own_data(tmp_path, rng):
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, 6, 4), dtype=np.uint8))
    assert (
        main(
            [
                "train",
                *SMALL,
                "--batch-size",
                "10",
                "--epochs",
                "1",
                "--data",
                str(tmp_path / "mine.npy"),
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert main(["sample", str(tmp_path / "run")]) == 0
    assert main(["reconstruct", str(tmp_path / "run"), "--images", "3"]) == 0


def test_same_seed_same_run(tmp_path):
    for name in ("one", "two"):
        assert main(["train", *SMALL, "--epochs", "1", "--out", str(tmp_path / name)]) == 0
    one, two = ((tmp_path / name / "model.params").read_bytes() for name in ("one", "two"))
    assert one == two


def test_ctrl_c_keeps_what_was_learnt(tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "gluonvae", "train", *SMALL, "--epochs", "100000", "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not (folder / "metrics.jsonl").exists() and time.time() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted in epoch" in err
    assert "test bound" in out
    assert "Traceback" not in err
    assert {"model.params", "result.json", "curves.png", "samples.png"} <= {path.name for path in folder.iterdir()}
    assert main(["sample", str(folder)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digts"], "did you mean 'digits'"),
        (["--data", "no/such.npy"], "no/such.npy cannot be read"),
        (["--latent-size", "0"], "latent_variable_size must be positive, got 0"),
        (["--batch-size", "5000"], "batch_size 5000 is larger than the data: train has 4000 images"),
        (["--batch-size", "0"], "--batch-size must be positive, got 0"),
        (["--epochs", "-1"], "--epochs must be positive, got -1"),
        (["--device", "gpu:77"], "device gpu:77 is not there"),
        (["--device", "tpu"], "device must be cpu, gpu or gpu:N"),
        (["--optimizer", "adm"], "did you mean 'adam'"),
        (["--learning-rate", "0", "--learning-rate-schedule", "constant"], "learning_rate must be positive"),
        (["--bound", "iwae", "--beta", "2"], "iwae has none"),
        (["--bound", "iwae", "--beta-schedule", "linear"], "the weights of iwae that may change are: none"),
        (["--beta-schedule", "linear", "--anneal", "betta"], "the weights of elbo that may change are: beta"),
        (["--beta-schedule", "cyclical", "--anneal-from", "1"], "--anneal-from is of a linear schedule"),
        (["--anneal", "beta"], "--anneal needs a --beta-schedule other than constant"),
        (
            [*RELAXED, "--anneal", "temperature", "--beta-schedule", "linear"],
            "--anneal temperature needs --beta-schedule linear, and --anneal-from what is above 0",
        ),
        (
            ["--prior", "mixture", "--prior-options", "component=3"],
            "an option of the prior 'mixture' must be one of components",
        ),
        (["--likelihood-options", "std=1"], "the likelihood 'bernoulliProd' has no options, got 'std'"),
        (["--posterior-options", "sdt=exp"], "did you mean 'std'"),
        (
            ["--bound-options", "sample=3"],
            "an option of the bound 'elbo' must be one of beta, gradient, kl, samples, got 'sample'; did you mean 'samples'",
        ),
        (["--bound-options", "gradient=stll"], "did you mean 'stl'"),
        (["--prior", "vamp", "--bound-options", "kl=closed"], "has no closed form"),
        (["--binarization", "grey"], "train must be 0 or 1 everywhere for a product of Bernoullis, got grey values"),
        (["--likelihood", "poisson", "--binarization", "grey"], "train must be counts 0, 1, 2"),
        (["--shape", "28", "27", "--data", "mine.npy"], "shape (28, 27) has 756 values an image"),
        (["--binarization", "none", "--data", "mine.npy"], "train must be 0 or 1"),
        (["--shape", "28", "28"], "shape is for your own data: images of digits are 28×28"),
        (["--data-dir", "."], "a data folder is for mnist and binarized_mnist"),
        (["--seed", "-1"], "seed must not be negative, got -1"),
    ],
)
def test_errors_are_one_line_and_leave_no_folder(arguments, message, tmp_path, monkeypatch, capsys, rng):
    monkeypatch.chdir(tmp_path)
    np.save("mine.npy", rng.integers(0, 256, (50, 28, 28), dtype=np.uint8))
    assert main(["train", *SMALL[:-2], "--batch-size", "10", "--epochs", "1", "--out", "run", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("gluonvae train: ")
    assert message in err
    assert not (tmp_path / "run").exists()


def test_a_run_in_the_way_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    assert main(["train", *SMALL, "--epochs", "1", "--out", str(tmp_path / "run")]) == 2
    assert "exists already: name another folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_a_run_that_diverges_says_so_and_keeps_its_parameters(tmp_path, capsys):
    options = ["--optimizer", "sgd", "--learning-rate", "1e18", "--learning-rate-schedule", "constant"]
    assert main(["train", *SMALL, *options, "--epochs", "3", "--out", str(tmp_path / "run")]) == 2
    assert "the objective is" in capsys.readouterr().err
    assert (tmp_path / "run" / "model.params").exists()


@pytest.mark.parametrize("command", ["sample", "reconstruct", "evaluate"])
def test_what_is_not_a_run(command, tmp_path, capsys):
    assert main([command, str(tmp_path / "none")]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    for broken in ("{}", "[", '{"model": {"data_dims": 4}}', '{"model": {"data_dim": 4}}'):
        (tmp_path / "config.json").write_text(broken)
        assert main([command, str(tmp_path)]) == 2
        assert "config.json is broken" in capsys.readouterr().err


def test_missing_and_broken_parameters(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["train", *SMALL, "--epochs", "1", "--out", str(folder)]) == 0
    content = (folder / "model.params").read_bytes()
    (folder / "model.params").write_bytes(content[:100])
    assert main(["sample", str(folder)]) == 2
    assert "model.params does not hold the parameters of this run's model" in capsys.readouterr().err
    (folder / "model.params").unlink()
    assert main(["sample", str(folder)]) == 2
    assert "model.params is missing" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["train"], ["sample"], ["reconstruct"], ["evaluate"], ["info"]])
def test_help_tells_of_everything(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    subparsers = next(action for action in parser()._actions if action.dest == "command")
    chosen = subparsers.choices[command[0]] if command else parser()
    for action in chosen._actions:
        assert action.help, action.dest
        assert all(option in text for option in action.option_strings)


def test_the_installed_command(tmp_path):
    script = os.path.join(os.path.dirname(sys.executable), "gluonvae")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"gluonvae {gv.__version__}"
