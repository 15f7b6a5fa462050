"""MNIST from files: found, or an error that says which file and what to do."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import DataError, mnist
from gluonvae.data import sources as files
from tests.helpers.mnist import assert_is, empty, tamper, truncate, write


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("place", ["folder", "subfolder", "environment", "gluon"])
def test_mnist_is_found(place, compress, home, tmp_path, small_mnist, monkeypatch):
    folder = {"gluon": home / "mnist", "subfolder": tmp_path / "data" / "mnist"}.get(place, tmp_path / "data")
    write(folder, small_mnist, compress)
    if place == "environment":
        monkeypatch.setenv("GLUONVAE_DATA", str(tmp_path / "data"))
    assert_is(gv.data.load("mnist", str(tmp_path / "data") if "folder" in place else None), small_mnist)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("damage", [truncate, tamper, empty])
def test_damaged_mnist_is_an_error_that_names_the_file(damage, compress, home, tmp_path, small_mnist):
    write(tmp_path / "data", small_mnist, compress)
    path = tmp_path / "data" / ("t10k-images-idx3-ubyte" + compress * ".gz")
    damage(path)
    with pytest.raises(DataError, match=rf"{path.name}: .*move it away, and it is downloaded anew"):
        gv.data.load("mnist", str(tmp_path / "data"))


def test_mnist_itself(tmp_path):
    """The real files, where GLUONVAE_DATA names their folder; the digits in the package are among them."""
    name = mnist.MNIST.files[0].name
    if not files.find([name, f"{name}.gz"], files.folders("mnist", None)):
        pytest.skip("needs MNIST's files in the folder that GLUONVAE_DATA names")
    splits = gv.data.load("mnist", binarization="none")
    assert [len(part) for part in splits] == [50_000, 10_000, 10_000]
    everything = {row.astype(np.uint8).tobytes() for part in splits for row in part.pixels}
    for part in gv.data.load("digits", binarization="none"):
        assert all(row.astype(np.uint8).tobytes() in everything for row in part.pixels)
