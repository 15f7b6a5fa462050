"""What the command refuses, in one line that says why."""

import numpy as np
import pytest

from gluonvae.cli.main import main
from tests.helpers.commands import RELAXED, SMALL


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "digts"], "did you mean 'digits'"),
        (["--data", "no/such.npy"], "no/such.npy is missing: there is nothing of that name"),
        (["--latent-size", "0"], "latent_variable_size must be positive, got 0"),
        (["--batch-size", "5000"], "batch_size 5000 is larger than the data: train has 4000 images"),
        (["--batch-size", "0"], "--batch-size must be positive, got 0"),
        (["--epochs", "-1"], "--epochs must be positive, got -1"),
        (["--device", "gpu:77"], "device gpu:77 is not there"),
        (["--device", "tpu"], "device must be cpu, gpu or gpu:N"),
        (["--optimizer", "adm"], "did you mean 'adam'"),
        (["--learning-rate", "0", "--learning-rate-schedule", "constant"], "learning_rate must be positive"),
        (["--learning-rate", "0"], "learning_rate must be positive"),
        (["--learning-rate", "nan"], "learning_rate must be positive"),
        (["--bound", "iwae", "--beta", "2"], "iwae has no beta"),
        (["--bound", "iwae", "--anneal", "beta=linear:0:1:2"], "may change in IWAE must be one of learning_rate"),
        (["--anneal", "betta=linear:0:1:2"], "must be one of beta, learning_rate, got 'betta'; did you mean 'beta'"),
        (["--anneal", "beta=linear:0:-1:2"], "beta must be a finite number, not negative, got -1"),
        (["--anneal", "learning_rate=linear:0:-1:2"], "learning_rate must not be negative, got -1"),
        ([*RELAXED, "--anneal", "temperature=linear:0:1:2"], "temperature must be a positive number, got 0"),
        (
            ["--prior", "mixture", "--prior-options", "component=3"],
            "an option of the prior 'mixture' must be one of components",
        ),
        (["--prior-options", "std=1"], "the prior 'standard' has no options, got 'std'"),
        (["--posterior-options", "sdt=exp"], "did you mean 'std'"),
        (
            ["--bound-options", "sample=3"],
            "an option of the bound 'elbo' must be one of beta, gradient, kl, samples, got 'sample'; did you mean 'samples'",
        ),
        (["--bound-options", "gradient=stll"], "did you mean 'stl'"),
        (["--prior", "vamp", "--bound-options", "kl=closed"], "has no closed form"),
        (["--binarization", "grey"], "train must be 0 or 1 everywhere for a product of Bernoullis, got grey values"),
        (["--likelihood", "poisson", "--binarization", "grey"], "train must be counts 0, 1, 2"),
        (
            ["--shape", "28", "27", "--data", "mine.npy"],
            "shape (28, 27) was asked for, and the images have shape (28, 28) each",
        ),
        (["--binarization", "none", "--data", "mine.npy"], "train must be 0 or 1"),
        (["--shape", "28", "28"], "shape is for your own data: digits has its own"),
        (["--data-dir", "."], "a data folder is for mnist and other named data sets"),
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
    assert main(["train", *SMALL, *options, "--epochs", "3", "--out", str(tmp_path / "run")]) == 3
    assert "A smaller learning rate is the usual cure" in capsys.readouterr().err
    assert (tmp_path / "run" / "model.params").exists()


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400"])
def test_an_option_is_no_infinite_number(value, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--bound", "renyi", "--bound-options", f"alpha={value}"])
    assert f"alpha must be a finite number, got {value}" in capsys.readouterr().err


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
