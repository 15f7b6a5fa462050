"""Larochelle's binarised MNIST: read, packed, read again, or an error that says which file and what to do."""

import os
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import DataError, binarized_mnist
from tests.helpers.mnist import amat, assert_is_amat, empty, truncate, write_amat


def test_amat_is_read_packed_and_read_again(home, tmp_path, small_amat):
    write_amat(tmp_path, small_amat)
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), small_amat)
    packed = tmp_path / "binarized_mnist_train.npz"
    assert packed.stat().st_size < 50 * 784 / 8 + 1000
    for text in tmp_path.glob("*.amat"):
        text.unlink()
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), small_amat)


@pytest.mark.parametrize("age", [10, -1000])
def test_another_amat_replaces_what_was_packed(age, home, tmp_path, small_amat, caplog):
    write_amat(tmp_path, small_amat)
    gv.data.load("binarized_mnist", str(tmp_path))
    assert "not from the published file" not in caplog.text
    flipped = {part: ~rows for part, rows in small_amat.items()}
    write_amat(tmp_path, flipped)
    for text in tmp_path.glob("*.amat"):
        os.utime(text, (time.time() + age, time.time() + age))
    for _ in range(2):
        caplog.clear()
        assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), flipped)
        assert "not from the published file" in caplog.text


def test_the_folder_named_goes_before_what_was_packed_elsewhere(home, tmp_path, small_amat):
    write_amat(home / "binarized_mnist", small_amat)
    gv.data.load("binarized_mnist")
    flipped = {part: ~rows for part, rows in small_amat.items()}
    write_amat(tmp_path / "mine", flipped)
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path / "mine")), flipped)


@pytest.mark.parametrize("damage", [truncate, empty])
def test_damaged_packed_file_is_an_error_that_names_it(damage, home, tmp_path, small_amat):
    write_amat(tmp_path, small_amat)
    gv.data.load("binarized_mnist", str(tmp_path))
    damage(tmp_path / "binarized_mnist_valid.npz")
    with pytest.raises(DataError, match=r"binarized_mnist_valid\.npz is broken: delete it"):
        gv.data.load("binarized_mnist", str(tmp_path))


@pytest.mark.parametrize("separator", [b"\t", b"  ", b" \r"])
def test_amat_with_other_white_space(separator, rng):
    images = rng.integers(0, 2, (5, 784)).astype(bool)
    content = amat(images)
    content = content.replace(b"\n", b" \r\n") if b"\r" in separator else content.replace(b" ", separator)
    np.testing.assert_array_equal(binarized_mnist.parse_amat(content, 5, "x"), images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], r"x has \d rows, not 5"),
        (lambda text: text + text[:1568], "x has 6 rows, not 5"),
        (lambda text: text.replace(b"1", b"2", 1), "x, line 1, is not 784 zeros and ones"),
        (lambda text: text[:1566] + b"\n" + text[1568:], "x, line 1, is not 784"),
        (lambda text: text[:-3] + b"01\n", "x, line 5, is not 784"),
        (lambda text: b"", "x has 0 rows"),
    ],
)
def test_amat_that_is_not_rows_of_zeros_and_ones(change, message, rng):
    content = amat(np.ones((5, 784)))
    with pytest.raises(DataError, match=message):
        binarized_mnist.parse_amat(change(content), 5, "x")


def test_amat_of_full_size_is_read_in_a_second_or_so(rng):
    """NumPy's loadtxt takes half a minute; the margin is for a busy machine."""
    images = rng.integers(0, 2, (50_000, 784), dtype=np.uint8)
    text = np.full((50_000, 1568), ord(" "), np.uint8)
    text[:, ::2], text[:, -1] = images + ord("0"), ord("\n")
    started = time.perf_counter()
    parsed = binarized_mnist.parse_amat(text.tobytes(), 50_000, "x")
    assert time.perf_counter() - started < 3
    np.testing.assert_array_equal(parsed, images)
