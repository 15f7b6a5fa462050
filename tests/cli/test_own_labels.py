"""Labels of a user's own data: classes and conditions, from an .npz file through training to drawn images."""

import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from gluonvae.data import all_labels, has_classes
from gluonvae.labels import label_size
from gluonvae.plots import generated
from tests.helpers.commands import is_picture

IMAGES, SHAPE = 600, (6, 8)
BRIGHTNESS = np.array([0.1, 0.5, 0.9])


def half_means(images):
    """The mean of the left and of the right half of each image."""
    return np.asarray(images).reshape(-1, SHAPE[0], 2, SHAPE[1] // 2).mean(axis=(1, 3))


def labelled(kind):
    """Images whose halves are as bright as their label says, pixel by pixel at random, and the labels."""
    rng = np.random.default_rng(3)
    classes, conditions = rng.integers(0, 3, IMAGES), rng.random((IMAGES, 2))
    labels, brightness = {
        "classes": (classes, BRIGHTNESS[classes][:, None]),
        "one_hot": (np.eye(3)[classes], BRIGHTNESS[classes][:, None]),
        "fractions": (conditions[:, 0], conditions[:, :1]),
        "conditions": (conditions, conditions),
    }[kind]
    halves = np.broadcast_to(brightness, (IMAGES, 2))
    pixels = np.repeat(halves, SHAPE[1] // 2, axis=1)[:, None, :]
    return (rng.random((IMAGES, *SHAPE)) < pixels).astype(np.uint8), labels


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """A function that returns the folder of a run on labels of a kind, the labels of its test set, and the images in
    its samples.png."""
    runs = {}

    def of_kind(kind):
        if kind not in runs:
            folder, drawn = tmp_path_factory.mktemp(kind), []
            images, labels = labelled(kind)
            np.savez(folder / "mine.npz", images=images, labels=labels)
            sizes = ["--inference-layers", "20", "--generator-layers", "20", "--latent-size", "2"]
            pace = ["--epochs", "60", "--batch-size", "20", "--learning-rate", "5e-3"]
            words = ["--conditional", "--data", str(folder / "mine.npz"), *sizes, *pace]
            with pytest.MonkeyPatch.context() as patch:
                plot = generated.plot_images
                patch.setattr(
                    generated, "plot_images", lambda images, *a, **k: (drawn.append(images), plot(images, *a, **k))
                )
                assert main(["train", *words, "--out", str(folder / "run")]) == 0
            test = gv.data.load(str(folder / "mine.npz")).test
            runs[kind] = folder / "run", test.labels, drawn[0].asnumpy()
        return runs[kind]

    return of_kind


def sample(run, *words):
    path = run.parent / "x.npy"
    assert main(["sample", str(run), *words, "--out", str(path)]) == 0
    return half_means(np.load(path))


@pytest.mark.parametrize("kind", ["classes", "one_hot"])
def test_classes(kind, train):
    run, _, _ = train(kind)
    config = json.loads((run / "config.json").read_text())
    assert (config["model"]["label_size"], config["classes"]) == (3, True)
    for label, brightness in enumerate(BRIGHTNESS):
        drawn = sample(run, "--label", str(label), "-n", "200")
        np.testing.assert_allclose(drawn.mean(axis=0), brightness, atol=0.08)
    # without a label: all in turn
    drawn = sample(run, "-n", "300").reshape(100, 3, 2)
    np.testing.assert_allclose(drawn.mean(axis=(0, 2)), BRIGHTNESS, atol=0.08)


def test_one_hot_rows_are_the_classes_they_stand_for(train):
    runs = [train(kind)[0] for kind in ("classes", "one_hot")]
    one, two = (json.loads((run / "result.json").read_text()) for run in runs)
    assert one == two


@pytest.mark.parametrize(
    ("kind", "size", "label", "halves"),
    [
        ("fractions", 1, ["0.2"], [0.2, 0.2]),
        ("fractions", 1, ["0.8"], [0.8, 0.8]),
        ("conditions", 2, ["0.1", "0.8"], [0.1, 0.8]),
        ("conditions", 2, ["0.9", "0.5"], [0.9, 0.5]),
        ("conditions", 2, ["1", "0"], [1, 0]),
        ("classes", 3, ["0", "0", "1"], [0.9, 0.9]),
    ],
)
def test_images_of_a_condition(kind, size, label, halves, train):
    run, _, _ = train(kind)
    config = json.loads((run / "config.json").read_text())
    assert (config["model"]["label_size"], config["classes"]) == (size, kind == "classes")
    drawn = sample(run, "--label", *label, "-n", "200")
    np.testing.assert_allclose(drawn.mean(axis=0), halves, atol=0.1)


@pytest.mark.parametrize("kind", ["fractions", "conditions"])
def test_the_picture_of_a_training_is_of_the_test_sets_conditions(kind, train):
    run, labels, drawn = train(kind)
    wanted = np.array([labels[n % len(labels)] for n in range(100)]).reshape(100, -1)
    assert is_picture(run / "samples.png")
    # each half as bright as its condition, but for what the latent state adds
    assert np.sqrt(((half_means(drawn) - wanted) ** 2).mean()) < 0.1


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("fractions", [], "--label is missing: the condition that the images are to be of, 1 number"),
        ("fractions", ["--label", "0.1", "0.2"], "--label must be 1 number, got 2"),
        ("conditions", [], "--label is missing: the condition that the images are to be of, 2 numbers"),
        ("conditions", ["--label", "1"], "--label must be 2 numbers, got 1"),
        ("conditions", ["--label", "nan", "1"], "--label has nan at (0,)"),
        ("conditions", ["-n", "0", "--label", "0.1", "0.2"], "-n must be positive, got 0"),
        ("classes", ["--label", "3"], "labels must be whole numbers from 0 to 2"),
        ("classes", ["--label", "0.5"], "labels must be whole numbers from 0 to 2"),
        ("classes", ["--label", "1", "2"], "--label must be a class, or 3 numbers, got 2"),
    ],
)
def test_labels_that_do_not_fit(kind, words, message, train, capsys):
    run, _, _ = train(kind)
    assert main(["sample", str(run), *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(run.glob("samples-*.png"))


@pytest.mark.parametrize("kind", ["classes", "one_hot", "fractions", "conditions"])
def test_the_other_commands(kind, train):
    run, _, _ = train(kind)
    assert main(["reconstruct", str(run), "--images", "3"]) == 0
    assert is_picture(run / "reconstructions-seed7.png")
    assert main(["evaluate", str(run), "--samples", "5", "--images", "10"]) == 0


def test_a_conditional_prior_of_conditions(tmp_path):
    images, labels = labelled("conditions")
    np.savez(tmp_path / "mine.npz", images=images[:100], labels=labels[:100])
    small = ["--inference-layers", "8", "--generator-layers", "8", "--latent-size", "2", "--epochs", "1"]
    words = ["--conditional", "--prior", "conditional", "--data", str(tmp_path / "mine.npz"), "--batch-size", "20"]
    assert main(["train", *words, *small, "--out", str(tmp_path / "run")]) == 0
    assert main(["sample", str(tmp_path / "run"), "--label", "0.1", "0.2"]) == 0


def test_few_labels_are_of_classes(tmp_path, capsys):
    images, labels = labelled("fractions")
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    words = ["--labels", "6", "--bound", "semi_supervised", "--data", str(tmp_path / "mine.npz")]
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 2
    assert "labels must be classes, whole numbers of shape (N,)" in capsys.readouterr().err


def test_a_conditional_model_knows_no_missing_class(tmp_path, capsys):
    images, labels = labelled("classes")
    np.savez(tmp_path / "mine.npz", images=images, labels=labels - 1)
    words = ["--conditional", "--data", str(tmp_path / "mine.npz"), "--out", str(tmp_path / "run")]
    assert main(["train", *words]) == 2
    assert "labels are missing: leave these data points out, or train a SemiSupervisedVAE" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("parts", "size", "classes"),
    [
        (([0, 3], [0, 1], [2, 1]), 4, True),
        (([0, 1], [0, 1], [0.5, 1]), 1, False),
        (([True, False], [True, True], [False, False]), 2, True),
        ((np.eye(2), np.eye(2)[::-1], np.ones((2, 2))), 2, False),
        ((np.eye(2), np.eye(2)[::-1], np.eye(2)[[0, 0]]), 2, True),
        ((np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1))), 1, False),
    ],
)
def test_labels_of_all_parts_count(parts, size, classes):
    labels = all_labels(gv.data.Splits(*(gv.data.Dataset(np.eye(2), labels=part) for part in parts)))
    assert (label_size(labels, None), has_classes(labels)) == (size, classes)
