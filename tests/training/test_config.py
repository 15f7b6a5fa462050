"""What config.json may hold, and what is said where it holds something else."""

import copy
import inspect
import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.config import Config, RunError, difference, part_of, read_config
from gluonvae.training.run import load_run
from gluonvae.training.schema import DATA, FIELDS, MODEL, SCHEMA
from tests.helpers.commands import SMALL, without_pictures


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    np.savez(folder / "mine.npz", images=np.random.default_rng(0).integers(0, 2, (60, 6, 4)), labels=np.arange(60) % 3)
    words = ["--data", str(folder / "mine.npz"), "--conditional", "--batch-size", "10", "--epochs", "1", "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert main(["train", *SMALL, *words, "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def config(run):
    return json.loads((run / "config.json").read_text())


def read(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_config(path)


def test_a_change_of_these_is_a_new_schema():
    """Whoever adds an argument to one of them raises SCHEMA and says in upgraded what it was before."""
    assert list(MODEL) == list(inspect.signature(gv.construct_vae).parameters)
    assert list(DATA) == list(inspect.signature(gv.data.load).parameters)
    assert list(FIELDS) == list(Config.__annotations__)


def test_what_is_recorded(config, run):
    data = gv.data.load(str(run.parent / "mine.npz"))
    assert config["schema"] == SCHEMA == 4
    assert config["gluonvae"] == gv.__version__
    assert config["conditions"]["versions"]["mxnet"] == mx.__version__
    assert {"numpy", "python"} <= config["conditions"]["versions"].keys()
    assert config["conditions"].keys() == {"versions", "engine", "threads", "processor"}
    for part, count in {"train": 48, "valid": 6, "test": 6}.items():
        assert config["parts"][part]["images"] == count
        assert config["parts"][part]["digest"] == getattr(data, part).digest()
        assert config["parts"][part]["split_seed"] == 0
    assert "quiet" not in config["asked"]


def changed(config, field, value):
    """``config`` with another value of a field such as "model.data_dims"; the field goes where the value is ..."""
    config = copy.deepcopy(config)
    *parents, name = field.split(".")
    inside = config
    for parent in parents:
        inside = inside[parent]
    if value is ...:
        del inside[name]
    else:
        inside[name] = value
    return config


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("schema", "2", "schema must be 4, got '2'"),
        ("schema", None, "schema must be 4, got None"),
        ("gluonvae", 1, "gluonvae must be a text, got 1"),
        ("conditions", ["mxnet"], "conditions must be an object, got ['mxnet']"),
        ("model", [], "model must be an object or null, got []"),
        ("model.latent_type", "gausian", "model.latent_type must be one of bernoulli, categorical"),
        ("model.latent_type", ["gaussian"], "model.latent_type must be one of"),
        (
            "model.generator_layer_sizes",
            [8, -1],
            "model.generator_layer_sizes must be a list of whole numbers from 1 or",
        ),
        (
            "model.generator_layer_sizes",
            "8",
            "model.generator_layer_sizes must be a list of whole numbers from 1 or null",
        ),
        ("model.latent_variable_size", 0, "model.latent_variable_size must be a whole number from 1"),
        ("model.latent_variable_size", 3.0, "model.latent_variable_size must be a whole number from 1"),
        (
            "model.data_dims",
            10**18,
            "model.data_dims must be a whole number from 1 to 2147483647, got 100000000000000000",
        ),
        ("model.data_dims", True, "model.data_dims must be a whole number from 1 to 2147483647, got True"),
        ("model.data_dims", 25, "shape [6, 4] does not multiply to model.data_dims"),
        ("model.data_shape", [3, 9], "model.data_shape [3, 9] does not multiply to model.data_dims"),
        ("model.label_size", -3, "model.label_size must be"),
        ("model.prior_options", [], "model.prior_options must be an object or null, got []"),
        ("model.infer_act_type", ..., "it lacks model.infer_act_type"),
        ("model.new", 1, "it has 'model.new', which schema 4 has not"),
        ("data.name", 7, "data.name must be a text or null, got 7"),
        ("data.binarization", "gray", "data.binarization must be one of bytes, dynamic"),
        ("data.shape", [0], "data.shape must be a list of whole numbers from 1 or null"),
        ("parts", [], "parts must be an object or null"),
        ("parts.test", ..., "it lacks parts.test"),
        ("parts.test", 3, "parts.test must be an object"),
        ("parts.test.images", 0, "parts.test.images must be a whole number from 1"),
        ("parts.test.digest", "ab", "parts.test.digest must be 64 hexadecimal digits, got 'ab'"),
        ("shape", None, "shape must be a list of whole numbers from 1, got None"),
        ("limits", [1], "limits must be two numbers, the lower first or null, got [1]"),
        ("limits", [1, 0], "limits must be two numbers, the lower first"),
        ("limits", ["0", "1"], "limits must be two numbers"),
        ("classes", 1, "classes must be true or false, got 1"),
        ("asked", None, "asked must be an object, got None"),
        ("new", 1, "it has 'new', which schema 4 has not"),
    ],
)
def test_a_field_that_is_wrong(field, value, message, config, tmp_path):
    with pytest.raises(RunError, match=r"config.json is broken: ") as error:
        read(tmp_path, changed(config, field, value))
    assert message in str(error.value)
    assert str(error.value).endswith("restore it from a copy, or train again")
    assert len(str(error.value)) < 700


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_needed(field, config, tmp_path):
    wanted = "model" if field == "schema" else field  # without a schema it would be an older run
    with pytest.raises(RunError, match=f"it lacks {wanted}"):
        read(tmp_path, changed(config, wanted, ...))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("null", "it must be an object, got None"),
        ("[1, 2]", r"it must be an object, got \[1, 2\]"),
        ('"text"', "it must be an object, got 'text'"),
        ("NaN", "NaN is no number in JSON"),
        ('{"limits": [0, Infinity]}', "Infinity is no number in JSON"),
        ('{"limits": [0, 1e999]}', "1e999 is no number in JSON"),
        ('{"model": 1, "model": 2}', "'model' is there twice"),
        ("[" * 10**5, "it is nested too deeply"),
        ("9" * 10**4, "is broken"),
    ],
)
def test_what_is_no_configuration(text, message, tmp_path):
    with pytest.raises(RunError, match=message):
        read(tmp_path, text)


def test_what_is_no_file(tmp_path):
    path = tmp_path / "config.json"
    with pytest.raises(RunError, match="is not the folder of a run"):
        read_config(path)
    path.symlink_to(path.name)
    with pytest.raises(RunError, match="is not a file"):
        read_config(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError, match="is not a file"):
        read_config(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match="is not a file"):
        read_config(path)
    path.rmdir()
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(RunError, match="is broken"):
        read_config(path)


def without_schema(config):
    """As versions before the schema wrote it."""
    return {key: value for key, value in config.items() if key not in ("schema", "conditions", "parts")}


def test_a_run_without_a_schema_is_read(config, run, tmp_path):
    old = read(tmp_path, without_schema(config))
    assert {**old, "conditions": config["conditions"], "parts": config["parts"]} == config
    assert (old["conditions"], old["parts"]) == ({}, None)
    # and as earlier ones wrote it, when the data were among what was asked for and labels were classes
    older = without_schema(config)
    older["asked"] = {**config["asked"], "data": config["data"]["name"], "data_dir": None}
    for name in ("data", "classes"):
        del older[name]
    assert read(tmp_path, older)["data"] == config["data"]
    assert read(tmp_path, older)["classes"] is True
    (tmp_path / "model.params").write_bytes((run / "model.params").read_bytes())
    vae, _ = load_run(tmp_path, mx.cpu())
    assert vae.label_size == 3


@pytest.mark.parametrize("field", ["model.prior", "shape", "asked"])
def test_a_run_without_a_schema_that_cannot_be_read(field, config, tmp_path):
    with pytest.raises(RunError, match=f"was written by gluonvae 0.0.7, .*it lacks {field}.*use that version"):
        read(tmp_path, changed({**without_schema(config), "gluonvae": "0.0.7"}, field, ...))


def test_a_newer_schema(config, tmp_path):
    with pytest.raises(
        RunError, match=r"was written by gluonvae 9.1, with schema 5; .* reads up to 4: use that version"
    ):
        read(tmp_path, {**config, "schema": 5, "gluonvae": "9.1", "model": "of another kind"})


@pytest.mark.parametrize(
    "options",
    [
        {"latent_type": "iaf", "latent_options": {"hidden_sizes": [10**9]}},
        {"latent_type": "planar", "latent_options": {"flow_length": 10**9}},
        {"prior": "mixture", "prior_options": {"components": 10**9}},
        {"generator_layer_sizes": [2**31 - 1]},
    ],
    ids=lambda options: options.get("latent_type") or options.get("prior") or "layers",
)
def test_sizes_beyond_the_file_are_not_believed(options, config, run, tmp_path):
    (tmp_path / "model.params").write_bytes((run / "model.params").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model": {**config["model"], **options}}))
    with pytest.raises(RunError, match=r"does not hold the parameters of this run's model: it has \d+ bytes, and"):
        load_run(tmp_path, mx.cpu())


def test_options_that_a_class_refuses(config, run, tmp_path):
    (tmp_path / "model.params").write_bytes((run / "model.params").read_bytes())
    model = {**config["model"], "latent_options": {"std": {"a": 1}}}
    (tmp_path / "config.json").write_text(json.dumps({**config, "model": model}))
    with pytest.raises(RunError, match="is broken: there is no such model: ValueError: std must be one of"):
        load_run(tmp_path, mx.cpu())


def test_difference(config):
    images = np.random.default_rng(0).integers(0, 2, (30, 24))
    one = gv.data.Dataset(images, (6, 4))
    config["parts"]["test"] = part_of(one)
    assert difference(config, "test", gv.data.Dataset(images, (6, 4))) is None
    assert difference(config, "test", one.subset(slice(20))) == "it has 20 test images, the run had 30"
    assert "are others or in another order" in difference(config, "test", one.subset(slice(None, None, -1)))
    assert difference({**config, "parts": None}, "test", one.subset(slice(20))) is None
