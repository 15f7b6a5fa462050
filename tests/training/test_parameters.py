"""A run's parameters: whatever the file holds, an error says so, and MXNet allocates nothing for it."""

import struct

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training.config import RunError
from gluonvae.training.parameters import check_file, load_parameters

SIZES = {"data_dims": 16, "generator_layer_sizes": [8], "infer_layer_sizes": [8], "latent_variable_size": 3}
FIRST = 24
"""Where the first array starts: its kind, its storage, its number of axes (FIRST + 8), their sizes (FIRST + 12)."""


def model():
    vae = gv.construct_vae(**SIZES)
    vae.initialize()
    return vae


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.params"
    model().save_parameters(str(path))
    return path


def load(path):
    check_file(path, SIZES)
    vae = gv.construct_vae(**SIZES)
    load_parameters(vae, path, mx.cpu())
    return vae


def test_what_was_saved_comes_back(tmp_path):
    vae = model()
    vae.save_parameters(str(tmp_path / "model.params"))
    ours, theirs = vae._collect_params_with_prefix(), load(tmp_path / "model.params")._collect_params_with_prefix()
    for name, parameter in ours.items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), theirs[name].data().asnumpy())


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8", "int64"])
def test_every_dtype_is_walked_through(dtype, tmp_path):
    path = tmp_path / "x.params"
    mx.nd.save(str(path), {"a": mx.nd.ones((3, 5), dtype=dtype), "b": mx.nd.ones((7,), dtype=dtype)})
    check_file(path, {})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunError, match="cut off"):
        check_file(path, {})


def put(form, place, value):
    def change(content):
        struct.pack_into(form, content, place, value)

    return change


DAMAGE = {
    "empty": lambda content: content.clear(),
    "of a few bytes": lambda content: content.__delitem__(slice(10, None)),
    "cut off": lambda content: content.__delitem__(slice(-1, None)),
    "half": lambda content: content.__delitem__(slice(len(content) // 2, None)),
    "other kind": put("<Q", 0, 0x113),
    "arrays": put("<Q", 16, 2**60),
    "33 bits of arrays": put("<Q", 16, 2**33),
    "no array": put("<Q", 16, 0),
    "axes": put("<I", FIRST + 8, 2**31 - 1),
    "size": put("<q", FIRST + 12, 2**50),
    "size of 32 GB": put("<q", FIRST + 12, 2**33),
    "size below 0": put("<q", FIRST + 12, -5),
    "sparse": put("<i", FIRST + 4, 1),
    "array": put("<I", FIRST, 7),
    "dtype": put("<i", FIRST + 12 + 16 + 8, 99),
    "text": lambda content: content.__setitem__(slice(None), b"not at all" * 300),
    "zeros": lambda content: content.__setitem__(slice(None), bytes(3000)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_files(damage, path):
    content = bytearray(path.read_bytes())
    damage(content)
    path.write_bytes(content)
    with pytest.raises(RunError, match="does not hold the parameters of this run's model: "):
        check_file(path, SIZES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite(value, tmp_path):
    vae = model()
    parameter = vae._collect_params_with_prefix()["generator.logits_head.bias"]
    parameter.set_data(mx.nd.array(np.where(np.arange(16) == 3, value, parameter.data().asnumpy())))
    vae.save_parameters(str(tmp_path / "model.params"))
    with pytest.raises(RunError, match=r"holds NaN or infinity in generator\.logits_head\.bias: train the model again"):
        load(tmp_path / "model.params")


def test_parameters_of_another_model(tmp_path):
    vae = gv.construct_vae(**{**SIZES, "latent_variable_size": 4})
    vae.initialize()
    vae.save_parameters(str(tmp_path / "model.params"))
    with pytest.raises(RunError, match="does not hold the parameters of this run's model"):
        load(tmp_path / "model.params")


def test_what_is_no_file(tmp_path):
    path = tmp_path / "model.params"
    with pytest.raises(RunError, match="is missing: the run ended before"):
        check_file(path, SIZES)
    path.mkdir()
    with pytest.raises(RunError, match="is not a file"):
        check_file(path, SIZES)
    path.rmdir()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError, match="is not a file"):
        check_file(path, SIZES)
