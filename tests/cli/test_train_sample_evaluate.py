"""The command: a run of the README's length on the digits, and what a person does with it."""

import json
import re
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from tests.helpers.commands import gluonvae, is_picture


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
        "best.params", "checkpoints", "config.json", "curves.png", "lock", "metrics.jsonl", "model.params",
        "reconstructions.png", "result.json", "samples.png", "status.json",
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

    from gluonvae.backend.runtime import mx
    from gluonvae.training.run import load_run

    vae, _ = load_run(Path(run[0]), mx.cpu())
    result = json.loads((run[0] / "result.json").read_text())
    assert gv.evaluate(gv.ELBO(vae), gv.data.load("digits").test).bound == pytest.approx(result["test_bound"], rel=1e-6)


def test_sample(run, tmp_path):
    assert main(["sample", str(run[0]), "-n", "12"]) == 0
    assert is_picture(run[0] / "samples-seed7.png")
    for image in ("mean", "mode", "sample"):
        assert main(["sample", str(run[0]), "-n", "12", "--image", image, "--out", str(tmp_path / f"{image}.npy")]) == 0
        images = np.load(tmp_path / f"{image}.npy")
        assert images.shape == (12, 28, 28)
        assert image == "mean" or set(np.unique(images)) == {0, 255}
    assert main(["sample", str(run[0]), "-n", "12", "--image", "mean", "--out", str(tmp_path / "again.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "mean.npy"), np.load(tmp_path / "again.npy"))


def test_reconstruct(run, tmp_path):
    assert main(["reconstruct", str(run[0]), "--images", "4", "-n", "3"]) == 0
    assert is_picture(run[0] / "reconstructions-seed7.png")
    out = tmp_path / "x.npy"
    assert main(["reconstruct", str(run[0]), "--images", "20", "-n", "3", "--out", str(out)]) == 0
    images, originals = np.load(out), gv.data.load("digits").test.batch(slice(20))
    assert images.shape == (3, 20, 28, 28)
    # a reconstruction is closer to its own original than to any other
    distances = ((images[0].reshape(20, 1, 784) / 255 - originals[None]) ** 2).sum(-1)
    assert (distances.argmin(axis=1) == np.arange(20)).mean() > 0.9


def test_evaluate(run, capsys):
    assert main(["evaluate", str(run[0]), "--images", "50", "--samples", "200"]) == 0
    printed = capsys.readouterr()
    found = re.search(r"log-likelihood (-\d+\.\d\d) nats per image .*50 test images, 200 samples each", printed.out)
    assert "sample" in printed.err
    from pathlib import Path

    from gluonvae.backend.runtime import mx
    from gluonvae.training.run import load_run

    vae, _ = load_run(Path(run[0]), mx.cpu())
    test = gv.data.load("digits").test.subset(slice(50))
    assert float(found[1]) > gv.evaluate(gv.ELBO(vae), test).bound + 1
