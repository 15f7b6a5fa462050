"""``gluonvae train --config FILE``: options from YAML, JSON or a run, and the command line before them."""

import json

import pytest

from gluonvae.cli.config_file import with_config
from gluonvae.cli.main import main, parser
from tests.helpers.commands import TINY
from tests.helpers.documents import ROOT, blocks

pytestmark = pytest.mark.usefixtures("fast_disk", "few_digits")


YAML = """
# a comment
epochs: 2
batch-size: 20
latent_size: 2          # as the option or as the argument is called
inference-layers: [5]
generator_layer_sizes: [5]
learning-rate: 2e-3     # a number
optimizer-options:
  wd: 1e-4
restore-best: true
"""
AS_JSON = {
    "epochs": 2, "batch-size": 20, "latent-size": 2, "inference-layers": [5], "generator-layers": [5],
    "learning-rate": 2e-3, "optimizer-options": {"wd": 1e-4}, "restore-best": True,
}  # fmt: skip
WORDS = (
    "--epochs 2 --batch-size 20 --latent-size 2 --inference-layers 5 --generator-layers 5 --learning-rate 2e-3 "
    "--optimizer-options wd=1e-4 --restore-best"
)


def train(folder, *words):
    assert main(["train", *words, "--quiet", "--out", str(folder)]) == 0
    return json.loads((folder / "config.json").read_text())["asked"]


def test_yaml_json_and_words_ask_for_the_same(tmp_path):
    for name, text in (("options.yaml", YAML), ("options.json", json.dumps(AS_JSON))):
        (tmp_path / name).write_text(text)
    asked = [
        train(tmp_path / "yaml", "--config", str(tmp_path / "options.yaml")),
        train(tmp_path / "json", f"--config={tmp_path / 'options.json'}"),
        train(tmp_path / "words", *WORDS.split()),
    ]
    assert asked[0] == asked[1] == asked[2]
    assert (asked[0]["learning_rate"], asked[0]["optimizer_options"]) == (0.002, {"wd": 0.0001})
    results = [(tmp_path / name / "result.json").read_text() for name in ("yaml", "json", "words")]
    assert results[0] == results[1] == results[2]


def test_the_command_line_goes_before(tmp_path):
    (tmp_path / "options.yaml").write_text(YAML)
    asked = train(
        tmp_path / "run", "--epochs", "1", "--config", str(tmp_path / "options.yaml"), "--latent-size", "3", "2",
        "--posterior", "hierarchical",
    )  # fmt: skip
    assert (asked["epochs"], asked["latent_variable_size"], asked["batch_size"]) == (1, [3, 2], 20)


def test_the_configuration_of_a_run(tmp_path):
    words = ["--posterior", "real_nvp", "--posterior-options", "flow_length=2", "--bound", "iwae", "--samples", "3"]
    first = train(tmp_path / "first", *TINY, *words)
    config = str(tmp_path / "first" / "config.json")
    second = train(tmp_path / "second", "--config", config)
    assert first == second
    results = [(tmp_path / name / "result.json").read_text() for name in ("first", "second")]
    assert results[0] == results[1]
    changed = train(tmp_path / "third", "--config", config, "--samples", "4")
    assert changed == {**first, "samples": 4}


def test_the_file_in_the_guide(tmp_path):
    (text,) = blocks(ROOT / "docs" / "guide" / "training_loop.md", "yaml")
    (tmp_path / "options.yaml").write_text(text)
    words = with_config(["train", "--config", str(tmp_path / "options.yaml"), "--epochs", "1"])
    asked = parser().parse_args(words)
    assert (asked.latent_variable_size, asked.infer_layer_sizes, asked.epochs) == (20, [300, 200], 1)
    assert (asked.learning_rate, asked.optimizer_options, asked.restore_best) == (1e-3, {"wd": 1e-5}, True)


# what is in the file, and what is said of it
WRONG = {
    "a typo": ("epoch: 3\n", "there is no option 'epoch'; did you mean 'epochs'?"),
    "itself": ("config: other.yaml\n", "there is no option 'config'"),
    "a list": ("- epochs\n", "must have a line for each option, as in 'epochs: 20', got list"),
    "nothing": ("", "must have a line for each option, as in 'epochs: 20', got NoneType"),
    "no YAML": ("epochs: [3\n", "options.yaml cannot be read: while parsing a flow sequence"),
    "a value": ("epochs: many\n", "argument --epochs: must be a whole number, got 'many'"),
    "no effect": ("labels: 3\n", "--labels is for --bound semi_supervised"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_cannot_be_used(name, tmp_path, capsys):
    text, message = WRONG[name]
    (tmp_path / "options.yaml").write_text(text)
    try:
        status = main(["train", "--config", str(tmp_path / "options.yaml"), "--out", str(tmp_path / "run")])
    except SystemExit as error:
        status = error.code
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_missing_or_of_another_kind(tmp_path, capsys):
    assert main(["train", "--config", str(tmp_path / "nowhere.yaml")]) == 2
    assert "nowhere.yaml: No such file or directory" in capsys.readouterr().err
    (tmp_path / "broken.json").write_text("{'epochs': 3}")
    assert main(["train", "--config", str(tmp_path / "broken.json")]) == 2
    assert "broken.json cannot be read: it is no JSON" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path), "--config", "options.yaml"]) == 2
    assert "--resume goes on with what the run was started with: leave out --config" in capsys.readouterr().err


def test_a_run_from_python_has_no_options(tmp_path, capsys, rng):
    import gluonvae as gv
    from tests.helpers import patterns, small_vae

    gv.fit(gv.ELBO(small_vae()), patterns(rng, 20), epochs=1, folder=tmp_path / "run", progress=False)
    assert main(["train", "--config", str(tmp_path / "run" / "config.json")]) == 2
    assert "is of a training from Python, which has no options of the command" in capsys.readouterr().err
