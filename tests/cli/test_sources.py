"""Where the data of a run, or others that are named, are looked for."""

import argparse

import pytest

from gluonvae.cli.sources import named_source
from gluonvae.data import DataError
from gluonvae.training.schema import NOT_ASKED

RUN = {"data": {**NOT_ASKED, "name": "mnist", "folder": "/its/own", "binarization": "dynamic", "split_seed": 3}}


@pytest.mark.parametrize(
    ("data", "folder", "name", "place", "split_seed"),
    [
        (None, None, "mnist", "/its/own", 3),
        (None, "/new", "mnist", "/new", 3),
        ("kmnist", None, "kmnist", "/its/own", NOT_ASKED["split_seed"]),
        ("kmnist", "/new", "kmnist", "/new", NOT_ASKED["split_seed"]),
    ],
)
def test_named_data(data, folder, name, place, split_seed):
    source = named_source(argparse.Namespace(data=data, data_dir=folder), RUN)
    assert (source["name"], source["folder"], source["split_seed"]) == (name, place, split_seed)
    assert source["binarization"] == "dynamic"


def test_a_run_whose_data_have_no_name():
    with pytest.raises(DataError, match="name data with --data"):
        named_source(argparse.Namespace(data=None, data_dir=None), {"data": {**RUN["data"], "name": None}})
