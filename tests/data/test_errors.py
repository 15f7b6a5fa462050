"""Data sets that cannot be are refused, saying what was given and what was wanted."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import Dataset

X = 12
BINARY = np.tile([[0, 1]], (20, X // 2)).astype(np.float32)

# name: (what is called, error, message)
CONSTRUCTIONS = {
    "shape of digits": (lambda: gv.data.load("digits", shape=(28, 28)), ValueError, "shape is for your own data"),
    "folder of digits": (lambda: gv.data.load("digits", folder="."), ValueError, "a data folder is for mnist"),
    "grey range": (
        lambda: Dataset(BINARY * 300),
        ValueError,
        r"between 0 and 1, or be whole numbers from 0 to 255, got float32",
    ),
    "grey bytes as floats": (lambda: Dataset(BINARY * 255), ValueError, "divide the images by 255"),
    "negative images": (lambda: Dataset(BINARY - 1), ValueError, "from -1 to 0"),
    "NaN in images": (
        lambda: Dataset(BINARY * np.nan),
        ValueError,
        "images has nan everywhere: all values are missing",
    ),
    "labels as images": (lambda: Dataset(np.arange(20)), ValueError, "looks like labels"),
    "images as labels": (
        lambda: Dataset(BINARY, labels=BINARY.reshape(20, 3, 4)),
        ValueError,
        r"labels must have shape \(N,\) or \(N, C\) for N = 20 images, got \(20, 3, 4\)",
    ),
    "shape of images": (
        lambda: Dataset(BINARY, shape=(3, 5)),
        ValueError,
        r"shape \(3, 5\) has 15 values an image.* have 12",
    ),
    "binarization": (lambda: Dataset(BINARY, binarization="dynamc"), ValueError, "did you mean 'dynamic'"),
    "binarization of digits": (lambda: gv.data.load("digits", binarization="onec"), ValueError, "did you mean 'once'"),
    "too few to split": (lambda: gv.data.split(Dataset(BINARY), 10, 10), ValueError, "20 images cannot be split"),
    "data set": (
        lambda: gv.data.load("digts"),
        ValueError,
        "data set must be one of .*got 'digts'; did you mean 'digits'",
    ),
    "data folder": (
        lambda: gv.data.load("mnist", "/no/such/folder"),
        gv.data.DataError,
        "data folder /no/such/folder is not a folder",
    ),
    "no file": (
        lambda: gv.data.load("/no/such/file.npy"),
        gv.data.DataError,
        r"/no/such/file\.npy is missing: there is nothing of that name",
    ),
    "no npz": (lambda: gv.data.load("/no/such/file.npz"), gv.data.DataError, r"/no/such/file\.npz is missing"),
    "other file": (
        lambda: gv.data.load("/no/file.txt"),
        gv.data.DataError,
        "/no/file.txt cannot be read as data: there is nothing of that name",
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
