"""Labels of a data set: classes, one-hot rows, continuous conditions."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.operators import BFLOAT16
from gluonvae.backend.runtime import mx
from gluonvae.data import Dataset

N = 30
CLASSES = np.arange(N) % 3
CONDITIONS = np.linspace(-1, 1, 2 * N).reshape(N, 2)
LABELS = {
    "classes": CLASSES,
    "classes as bytes": CLASSES.astype(np.uint8),
    "classes as floats": CLASSES.astype(np.float32),
    "a list": CLASSES.tolist(),
    "truth values": CLASSES == 0,
    "one-hot rows": np.eye(3)[CLASSES],
    "one condition": CONDITIONS[:, 0],
    "a column": CONDITIONS[:, :1],
    "two conditions": CONDITIONS,
}


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (N, 12), dtype=np.uint8)


def assert_same(labels, expected):
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_stay_with_their_images(labels, images):
    data = Dataset(images, labels=labels)
    expected = np.asarray(labels)
    assert_same(data.labels, expected)
    rows = np.array([7, 3, 29])
    assert_same(data.subset(rows).labels, expected[rows])
    assert_same(data.subset(slice(5)).drawn_once().labels, expected[:5])
    row_of = {tuple(image): row for row, image in enumerate(images)}
    for part in gv.data.split(Dataset(images, binarization="bytes", labels=labels), 5, 4):
        assert_same(part.labels, expected[[row_of[tuple(image)] for image in part.pixels]])


@pytest.mark.parametrize("labels", [CLASSES, CONDITIONS])
def test_ndarrays(labels, images):
    expected = labels.astype(np.float32)
    assert_same(Dataset(images, labels=mx.nd.array(labels)).labels, expected)
    short = Dataset(images, labels=mx.nd.array(labels).astype(BFLOAT16)).labels
    assert short.dtype == np.float32
    np.testing.assert_allclose(short, expected, rtol=2.0**-7)


@pytest.mark.parametrize("labels", [CLASSES, np.eye(3)[CLASSES], CONDITIONS])
def test_labels_from_a_file(labels, images, tmp_path):
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    splits = gv.data.load(str(tmp_path / "x.npz"), binarization="bytes")
    row_of = {tuple(image): row for row, image in enumerate(images)}
    for part in splits:
        assert_same(part.labels, labels[[row_of[tuple(image)] for image in part.pixels]])
    np.savez(tmp_path / "y.npz", images=images, labels=labels[1:])
    with pytest.raises(gv.data.DataError, match=r"y\.npz: labels of train must be \(N,\) or \(N, C\) for N = 30"):
        gv.data.load(str(tmp_path / "y.npz"))


SHAPE = r"labels must have shape \(N,\) or \(N, C\) for N = 30 images, got "
REFUSED = {
    "too few": (CLASSES[1:], SHAPE + r"\(29,\)"),
    "too few rows": (CONDITIONS[1:], SHAPE + r"\(29, 2\)"),
    "transposed": (CONDITIONS.T, SHAPE + r"\(2, 30\)"),
    "three axes": (np.zeros((N, 2, 2)), SHAPE + r"\(30, 2, 2\)"),
    "one number": (3, SHAPE + r"\(\)"),
    "no columns": (np.zeros((N, 0)), SHAPE + r"\(30, 0\)"),
    "all missing": ([None] * N, r"all labels are missing"),
    "an object among numbers": ([0.0] * (N - 1) + [{}], "labels must be numbers or names"),
    "complex": (CLASSES * 1j, "labels must be numbers or names, .* got dtype complex128"),
    "NaN among conditions": (np.where(CLASSES == 1, np.nan, 0.5), r"labels has nan at \(1,\): a class may be missing"),
    "infinity": (np.where(CONDITIONS == 1, np.inf, 0), r"labels has inf at \(29, 1\)"),
}


@pytest.mark.parametrize(("labels", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(labels, message, images):
    with pytest.raises(ValueError, match=message):
        Dataset(images, labels=labels)


@pytest.mark.parametrize("labels", [CLASSES, CLASSES.astype(np.uint8), CLASSES.astype(np.float32), CLASSES == 0])
def test_few_labels_of_whole_numbers(labels, images):
    few = gv.data.keep_few_labels(Dataset(images, labels=labels), 6)
    assert few.labels.dtype == np.int64
    kept, counts = np.unique(few.labels[few.labels >= 0], return_counts=True)
    assert list(kept) == sorted(set(labels.astype(int)))
    assert len(set(counts)) == 1


def test_few_labels_of_one_hot_rows(images):
    few = gv.data.keep_few_labels(Dataset(images, labels=LABELS["one-hot rows"]), 6)
    np.testing.assert_array_equal(few.labels, gv.data.keep_few_labels(Dataset(images, labels=CLASSES), 6).labels)


@pytest.mark.parametrize("name", ["a column", "one condition", "two conditions"])
def test_few_labels_are_of_classes(name, images):
    data = Dataset(images, labels=LABELS[name])
    shape = str(data.labels.shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"whole numbers of shape \(N,\).* got float64 of shape {shape}"):
        gv.data.keep_few_labels(data, 6)
