"""Classes by name, from a file through training to drawn data; and labels of other kinds."""

import json
import shutil

import numpy as np
import pandas
import pytest
from PIL import Image

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run
from tests.helpers.commands import SMALL, without_pictures

N = 120
NUMBER = np.arange(N) % 3
# a class has a pixel of its own
X = np.concatenate([np.repeat(np.eye(3)[NUMBER], 2, axis=1), np.random.default_rng(0).integers(0, 2, (N, 2))], axis=1)
NAMES = np.array(["cat", "polar bear", "owl"])
PACE = ["--epochs", "40", "--learning-rate", "0.02", "--quiet"]

pytestmark = pytest.mark.usefixtures("fast_disk")


def command(*words):
    return main(list(map(str, words)))


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    without_pictures(monkeypatch)


def train(folder, labels, *words, conditional="--conditional", x=X):
    np.savez(folder / "mine.npz", images=x, labels=labels)
    small = [*SMALL[:-1], 20, "--data", folder / "mine.npz", "--out", folder / "run"]
    return command("train", *filter(None, [conditional]), *small, *(words or PACE))


def drawn(folder, *label, n=60):
    assert command("sample", folder / "run", "-n", n, "--image", "mean", *label, "--out", folder / "x.npy") == 0
    return np.load(folder / "x.npy")


def class_of(images):
    """Which class's pixels are brightest."""
    return images[:, :6].reshape(len(images), 3, 2).mean(axis=(0, 2)).argmax()


WAYS = {
    "names": (NAMES[NUMBER], ["cat", "owl", "polar bear"]),
    "bytes": (NAMES[NUMBER].astype("S"), ["cat", "owl", "polar bear"]),
    "from 1": (np.where(NUMBER == 2, 10, NUMBER + 1), [1, 2, 10]),
    "far apart": (np.array([3, 7, 10**6])[NUMBER], [3, 7, 10**6]),
}


@pytest.mark.parametrize("way", WAYS)
def test_sampling_by_the_name_in_the_data(way, tmp_path, capsys):
    labels, names = WAYS[way]
    assert train(tmp_path, labels) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["class_names"], config["classes"], config["model"]["label_size"]) == (names, True, 3)
    given = [name.decode() if isinstance(name, bytes) else name for name in labels[:3].tolist()]
    for number, name in enumerate(given):
        assert class_of(drawn(tmp_path, "--label", *str(name).split())) == number
    if isinstance(given[0], int):
        assert class_of(drawn(tmp_path, "--label", f"{given[2]}.0")) == 2
    # all in turn, where none is asked for
    of_all = drawn(tmp_path, n=30)
    for place, name in enumerate(names):
        assert class_of(of_all[place::3]) == given.index(name)
    out = tmp_path / "x.csv"
    assert command("sample", tmp_path / "run", "-n", 4, "--out", out) == 0
    assert list(pandas.read_csv(out)["label"]) == [*names, names[0]]
    capsys.readouterr()
    for wrong in ("cow", "0", "1.5"):
        assert command("sample", tmp_path / "run", "--label", wrong) == 2
        said = f"--label must be one of the classes, {', '.join(map(str, names))}, got {wrong}"
        assert said in capsys.readouterr().err
    for words in (["evaluate", "--samples", 5], ["reconstruct", "--images", 3]):
        assert command(words[0], tmp_path / "run", *words[1:]) == 0


def test_a_run_of_names_comes_back_and_goes_on(tmp_path):
    words = ["--epochs", "4", "--batch-size", "20", "--quiet"]
    assert train(tmp_path, NAMES[NUMBER], *words) == 0
    whole = (tmp_path / "run" / "model.params").read_bytes()
    vae, _ = load_run(tmp_path / "run", mx.cpu())
    assert vae.class_names == ("cat", "owl", "polar bear")
    test = gv.data.load(str(tmp_path / "mine.npz")).test
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert gv.evaluate(gv.ELBO(vae), test).bound == pytest.approx(result["test_bound"], rel=1e-6)
    by_name = gv.data.Dataset(
        test.batch(slice(None)), binarization="none", labels=np.array(test.class_names)[test.labels]
    )
    assert gv.evaluate(gv.ELBO(vae), by_name).bound == pytest.approx(result["test_bound"], rel=1e-6)
    # stopped after two epochs
    shutil.rmtree(tmp_path / "run")
    stopped = []

    def stop(metrics):
        stopped.append(metrics)
        if len(stopped) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        end = gv.training.loop.Training._end_epoch
        patch.setattr(
            gv.training.loop.Training, "_end_epoch", lambda self: (lambda row: (stop(row), row)[1])(end(self))
        )
        assert train(tmp_path, NAMES[NUMBER], *words) != 0
    assert command("train", "--resume", tmp_path / "run") == 0
    assert (tmp_path / "run" / "model.params").read_bytes() == whole


def test_few_labels_of_names(tmp_path, capsys):
    assert train(tmp_path, NAMES[NUMBER], "--labels", "6", "--bound", "semi_supervised", *PACE, conditional=None) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["test_accuracy"] == 1  # the pixels say it
    assert class_of(drawn(tmp_path, "--label", "owl")) == 2


def test_missing_labels(tmp_path, capsys):
    labels = NAMES[NUMBER].astype(object)
    labels[::4] = ""
    assert train(tmp_path, labels.astype(str), *PACE) == 2
    assert "labels are missing: leave these data points out" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    words = ["--labels", "6", "--bound", "semi_supervised", *PACE]
    assert train(tmp_path, labels.astype(str), *words, conditional=None) == 0
    numbers = np.where(np.arange(N) % 4 == 0, np.nan, NUMBER)
    shutil.rmtree(tmp_path / "run")
    assert train(tmp_path, numbers, *words, conditional=None) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["class_names"] is None


def test_class_folders(tmp_path):
    for part, count in (("train", 20), ("test", 4)):
        for name, value in (("dark", 0), ("light", 255)):
            if (part, name) != ("test", "dark"):  # a class that the test set lacks
                (tmp_path / "d" / part / name).mkdir(parents=True)
                for number in range(count):
                    pixels = np.full((4, 2), value, np.uint8)
                    pixels[0, 0] = 120
                    Image.fromarray(pixels).save(tmp_path / "d" / part / name / f"{number}.png")
    words = [*SMALL[:-1], 10, "--data", tmp_path / "d", "--conditional", *PACE, "--out", tmp_path / "run"]
    assert command("train", *words) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["class_names"] == ["dark", "light"]
    assert drawn(tmp_path, "--label", "dark")[:, 1:].mean() < 0.2 * 255
    assert drawn(tmp_path, "--label", "light")[:, 1:].mean() > 0.8 * 255
    assert command("evaluate", tmp_path / "run", "--samples", 5) == 0


def test_parts_whose_classes_differ(tmp_path):
    for part, rows in (("train", NUMBER != 1), ("test", NUMBER != 0)):
        np.savez(tmp_path / f"{part}.npz", images=X[rows], labels=NAMES[NUMBER][rows])
    arrays = {part: np.load(tmp_path / f"{part}.npz") for part in ("train", "test")}
    labels = {f"{part}_labels": arrays[part]["labels"] for part in arrays}
    np.savez(tmp_path / "x.npz", **{part: arrays[part]["images"] for part in arrays}, **labels)
    parts = gv.data.load(str(tmp_path / "x.npz"))
    for part in parts:
        assert part.class_names == ("cat", "owl", "polar bear")
    assert set(parts.train.labels) == {0, 1}
    assert set(parts.test.labels) == {1, 2}
    np.savez(
        tmp_path / "y.npz",
        **{part: arrays[part]["images"] for part in arrays},
        train_labels=labels["train_labels"],
        test_labels=np.arange(80) % 3,
    )
    with pytest.raises(gv.data.DataError, match="labels of one part of the data are names, and of another numbers"):
        gv.data.load(str(tmp_path / "y.npz"))


@pytest.mark.parametrize("labels", [np.eye(3)[NUMBER], NUMBER, NUMBER.astype(float), NUMBER > 0])
def test_what_has_no_names(labels, tmp_path, capsys):
    assert train(tmp_path, labels, "--epochs", "1", "--batch-size", "20", "--quiet") == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    classes = 2 if labels.dtype == bool else 3
    assert (config["class_names"], config["classes"], config["model"]["label_size"]) == (None, True, classes)
    assert command("sample", tmp_path / "run", "--label", "cat") == 2
    assert "--label must be numbers: the classes of this run have no names; got cat" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("label", "size"), [(NUMBER / 2, 1), (NUMBER[:, None] / 2, 1), (np.c_[NUMBER, -NUMBER] / 2, 2)]
)
def test_conditions(label, size, tmp_path):
    assert train(tmp_path, label, "--epochs", "1", "--batch-size", "20", "--quiet") == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["class_names"], config["classes"], config["model"]["label_size"]) == (None, False, size)
    assert drawn(tmp_path, "--label", *[0.5] * size, n=3).shape == (3, 8)
