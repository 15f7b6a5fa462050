"""Files of arrays: right, mapped where that saves memory, or an error that says what is wrong."""

import io
import os
import zipfile

import numpy as np
import pytest

from gluonvae.data import DataError, opening
from gluonvae.data.readers import arrays, npy
from gluonvae.data.readers.base import IMAGES, ROWS, Wishes


def read(path, **wishes):
    return arrays.READER.read(path, Wishes(**wishes))


@pytest.fixture
def values(rng):
    return rng.integers(0, 100, (12, 6))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">i2", "u1", "?", "<f2", "<i8"])
def test_npy_of_any_order_and_byte_order_is_mapped(tmp_path, values, dtype, order):
    values = values.astype(dtype, order=order)
    np.save(tmp_path / "a.npy", values)
    contents = read(tmp_path / "a.npy")
    got = contents.parts["train"].values
    assert isinstance(got, np.memmap)
    np.testing.assert_array_equal(got, values)
    assert contents.kind == ROWS
    assert contents.parts["train"].labels is None


def test_a_large_file_is_not_read(tmp_path):
    """A file of 16 GB, of which the disk has nothing."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1_000_000, 4000)})
    with open(tmp_path / "a.npy", "wb") as file:
        file.write(header.getvalue())
        file.truncate(len(header.getvalue()) + 16 * 10**9)
    assert read(tmp_path / "a.npy").parts["train"].values[999_999].sum() == 0


@pytest.mark.parametrize(("shape", "kind"), [((5, 6), ROWS), ((5, 2, 3), IMAGES), ((5, 2, 3, 3), IMAGES)])
def test_kind(tmp_path, shape, kind):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    assert read(tmp_path / "a.npy").kind == kind
    assert read(tmp_path / "a.npy", shape=(2, 3)).kind == IMAGES


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 2), complex), "real numbers, got dtype complex128"),
        (np.array([["a", "b"]]), "real numbers, got dtype <U1"),
        (np.array(["2020-01-01"], "datetime64[D]"), "real numbers, got dtype datetime64"),
        (np.zeros(3, [("a", int), ("b", float)]), r"structured array with the fields \('a', 'b'\)"),
        (np.array([{"a": 1}], object), "Python objects, which are not loaded"),
        (np.float32(3), r"shape \(\): it is one number"),
        (np.zeros((0, 3)), r"shape \(0, 3\): it is empty"),
        (np.zeros((3, 0)), "it is empty"),
        (np.zeros(3), r"must be numbers \(N, X\) or \(N, \*shape\), got \(3,\)"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_what_is_no_data(tmp_path, array, said, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    else:
        np.savez(path, array)
        said = said if array.dtype.kind in "cMOV" else "must be numbers"
    with pytest.raises(DataError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"0",
        lambda content: content + content,  # two saved one after the other
        lambda content: content.replace(b"(12, 6)", b"(99, 6)"),
        lambda content: content.replace(b"(12, 6), ", b"(9999999999999999, )")[: len(content)],
        lambda content: content[:40],
        lambda content: b"",
        lambda content: b"PK\3\4" + content,
        lambda content: content.replace(b"<i8", b"<i4"),
        lambda content: content.replace(b"{'descr'", b"{{descr'"),
    ],
)
def test_damaged_npy(tmp_path, values, damage):
    np.save(tmp_path / "a.npy", values)
    (tmp_path / "a.npy").write_bytes(damage((tmp_path / "a.npy").read_bytes()))
    with pytest.raises(DataError, match=r"a\.npy"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "names",
    [
        {"train": "x", "valid": "y", "test": "z", "train_labels": "a", "valid_labels": "b", "test_labels": "c"},
        {"x_train": "x", "x_val": "y", "x_test": "z", "y_train": "a", "y_val": "b", "y_test": "c"},
        {"train": "x", "test": "z", "train_labels": "a"},
        {"train": "x", "labels": "a"},
        {"images": "x", "labels": "a"},
        {"anything": "x"},
    ],
)
def test_npz(tmp_path, rng, save, names):
    arrays = {key: rng.random((n, 4)) for key, n in zip("xyz", (9, 5, 3))}
    arrays |= {key: rng.integers(0, 3, n) for key, n in zip("abc", (9, 5, 3))}
    save(tmp_path / "a.npz", **{name: arrays[key] for name, key in names.items()})
    contents = read(tmp_path / "a.npz")
    keys = set(names.values())
    assert set(contents.parts) == {part for part, key in zip(("train", "valid", "test"), "xyz") if key in keys}
    for part, key, label in zip(("train", "valid", "test"), "xyz", "abc"):
        if key in keys:
            np.testing.assert_array_equal(contents.parts[part].values, arrays[key])
            assert (contents.parts[part].labels is not None) == (label in keys)
        if label in keys:
            np.testing.assert_array_equal(contents.parts[part].labels, arrays[label])
    assert contents.kind == (IMAGES if "images" in names else ROWS)


def test_labels_may_be_names(tmp_path, values):
    np.savez(tmp_path / "a.npz", train=values, labels=np.array(["cat", "dog"] * 6))
    assert read(tmp_path / "a.npz").parts["train"].labels.tolist() == ["cat", "dog"] * 6


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"train": (5, 2), "labels": (5,), "test": (3, 2)},
            "call the labels of each part train_labels and test_labels",
        ),
        ({"train": (5, 2), "weights": (5,)}, "holds train, weights: name arrays train, valid and test"),
        ({"test": (5, 2)}, "holds test: name arrays"),
        ({"labels": (5,)}, "holds labels: name arrays"),
        ({"train": (5, 2), "test_labels": (5,)}, "labels of test and no values of it"),
        ({"train": (5, 2), "x_train": (5, 2)}, "holds train and x_train: which of them"),
        ({"train": (5, 2), "test": (5, 3)}, r"test has shape \(5, 3\), train has \(5, 2\)"),
        ({"train": (5, 2), "train_labels": (4,)}, r"\(N,\) or \(N, C\) for N = 5, got \(4,\)"),
        ({}, "not as numpy.savez writes it"),
    ],
)
def test_npz_that_does_not_say_what_is_what(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **{name: np.zeros(shape) for name, shape in arrays.items()})
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.npz")


def test_a_large_array_in_an_npz_is_mapped(tmp_path, values, monkeypatch):
    monkeypatch.setattr(npy, "MAPPED_FROM", 100)
    np.savez(
        tmp_path / "a.npz", train=values, test=np.asfortranarray(values[:3]), train_labels=np.arange(12, dtype="u1")
    )
    rows = read(tmp_path / "a.npz").parts
    assert isinstance(rows["train"].values, np.memmap)
    assert not isinstance(rows["train"].labels, np.memmap)
    np.testing.assert_array_equal(rows["train"].values, values)
    np.testing.assert_array_equal(rows["test"].values, values[:3])


def test_a_small_file_that_unpacks_to_very_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "ROOM", 1 << 20)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (200_000, 1000)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("train.npy", header.getvalue() + bytes(200_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 1e6
    with pytest.raises(DataError, match="would unpack to 200,000,128"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_npz(tmp_path, values, save):
    save(tmp_path / "a.npz", train=values)
    content = (tmp_path / "a.npz").read_bytes()
    place = content.index(b"NUMPY") + 200 if save is np.savez else content.index(b"train.npy") + 60
    for damaged in (content[:-30], content[:place] + b"\xff" + content[place + 1 :], content[:4], b"PK\5\6"):
        (tmp_path / "a.npz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.npz"):
            read(tmp_path / "a.npz")


def test_a_folder(tmp_path, values):
    np.save(tmp_path / "train.npy", values)
    np.save(tmp_path / "test.npy", values[:3])
    np.save(tmp_path / "test_labels.npy", np.arange(3))
    (tmp_path / ".DS_Store").touch()
    assert arrays.READER.recognises(tmp_path)
    parts = read(tmp_path).parts
    assert isinstance(parts["train"].values, np.memmap)
    np.testing.assert_array_equal(parts["test"].values, values[:3])
    np.testing.assert_array_equal(parts["test"].labels, [0, 1, 2])
    assert parts["train"].labels is None


def test_labels_beside_train(tmp_path, values):
    np.save(tmp_path / "train.npy", values)
    np.save(tmp_path / "labels.npy", np.arange(12))
    np.testing.assert_array_equal(read(tmp_path).parts["train"].labels, np.arange(12))


def test_what_lies_in_a_folder_and_is_not_used_is_an_error(tmp_path, values):
    np.save(tmp_path / "train.npy", values)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"holds notes\.txt beside arrays"):
        read(tmp_path)


def test_a_link_out_of_a_folder_is_not_followed(tmp_path, values):
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "outside.npy", values)
    os.symlink(tmp_path / "outside.npy", tmp_path / "data" / "train.npy")
    with pytest.raises(DataError, match=r"train\.npy is a link out of the folder"):
        read(tmp_path / "data")
    os.symlink(tmp_path / "outside.npy", tmp_path / "link.npy")  # named by the user himself
    np.testing.assert_array_equal(read(tmp_path / "link.npy").parts["train"].values, values)
