"""Numbers that change over the epochs, as --anneal says."""

import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.annealing import annealing
from gluonvae.cli.main import main
from gluonvae.training.status import write_status
from tests.helpers.commands import RELAXED, SMALL

# of 8 steps an epoch and 6 epochs, values by hand: name -> {step: value}
SCHEDULES = {
    "beta=linear:0:1:2": {0: 0, 3: 0.2, 6: 0.4, 15: 1, 47: 1},
    "beta=linear:0:1": {0: 0, 47: 1},
    "beta=linear:1:0.5:0.5": {0: 1, 1: 5 / 6, 3: 0.5, 40: 0.5},
    "beta=cosine:1:0:2": {0: 1, 5: 0.75, 10: 0.25, 15: 0, 47: 0},
    "beta=exponential:4:1:2": {0: 4, 8: 2, 16: 1, 47: 1},
    "beta=step:1:0.5:2": {0: 1, 15: 1, 16: 0.5, 31: 0.5, 32: 0.25},
    "beta=cyclical:0:1:2": {0: 0, 7: 1, 15: 1, 16: 0, 23: 1, 32: 0, 47: 1},
    "beta=cyclical:0.5:1:2": {0: 0.5, 7: 1, 16: 0.5, 47: 1},
    "beta=constant:0.3": {0: 0.3, 47: 0.3},
    "beta=constant:0:1,linear:0:1:2": {0: 0, 7: 0, 8: 0, 23: 1, 47: 1},
    "beta=linear:0:1:1, constant:1:2, cosine:1:0": {0: 0, 7: 1, 8: 1, 23: 1, 24: 1, 47: 0},
    "beta=linear:0:1:1,step:1:0.1:2": {0: 0, 7: 1, 23: 1, 24: 0.1, 40: 0.01},
}


@pytest.mark.parametrize("text", SCHEDULES)
def test_schedules(text, asked_of_fit, tmp_path):
    assert main(["train", *SMALL, "--anneal", text, "--epochs", "6", "--out", str(tmp_path / "run")]) == 0
    schedule = asked_of_fit[0]["weights"]["beta"]
    values = SCHEDULES[text]
    np.testing.assert_allclose([schedule(step) for step in values], list(values.values()), atol=1e-12)


def test_a_learning_rate_warms_up_and_falls(asked_of_fit, tmp_path):
    words = ["--anneal", "learning-rate=linear:0:0.01:1,cosine:0.01:0.001", "--epochs", "3"]
    assert main(["train", *SMALL, *words, "--out", str(tmp_path / "run")]) == 0
    (asked,) = asked_of_fit
    assert asked["weights"] == {}
    np.testing.assert_allclose([asked["learning_rate"](step) for step in (0, 7, 8, 23)], [0, 0.01, 0.01, 0.001])


def test_any_weights_at_once(asked_of_fit, tmp_path):
    options = ["--bound", "capacity", "--bound-options", "capacity=10", "gamma=30"]
    schedules = ["--anneal", "capacity=linear:0:10:2", "--anneal", "gamma=linear:30:60:2"]
    assert main(["train", *SMALL, *options, *schedules, "--epochs", "6", "--out", str(tmp_path / "run")]) == 0
    weights = asked_of_fit[0]["weights"]
    ends = {name: [schedule(step) for step in (0, 15, 40)] for name, schedule in weights.items()}
    assert ends == {"capacity": [0, 10, 10], "gamma": [30, 60, 60]}


def test_a_temperature_falls(asked_of_fit, tmp_path):
    words = ["--anneal", "temperature=exponential:1:0.25:2", "--epochs", "6"]
    assert main(["train", *SMALL, *RELAXED, *words, "--out", str(tmp_path / "run")]) == 0
    temperature = asked_of_fit[0]["weights"]["temperature"]
    np.testing.assert_allclose([temperature(step) for step in (0, 8, 40)], [1, 0.5, 0.25])


@pytest.mark.parametrize(
    ("epochs", "text", "warning"),
    [
        ("2", "linear:0:1:10", "beta would be at 1 after 10 epochs, and the training ends after 2"),
        ("2", "constant:0:3,linear:0:1", "beta would be at 1 after"),
        ("2", "linear:0:1:2", None),
        ("2", "linear:0:1", None),
        ("2", "step:1:0.5:3", None),
        ("2", "cyclical:0:1:3", None),
    ],
)
def test_a_schedule_longer_than_the_training(epochs, text, warning, asked_of_fit, tmp_path, caplog):
    words = ["--anneal", f"beta={text}", "--epochs", epochs]
    assert main(["train", *SMALL, *words, "--out", str(tmp_path / "run")]) == 0
    assert (warning in caplog.text) if warning else not caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beta", "'beta' must be NAME=SCHEDULE, such as beta=linear:0:1:10"),
        ("beta=0.5", "a schedule must be one of constant, cosine, cyclical, exponential, linear, step, got '0.5'"),
        ("beta=linaer:0:1:2", "did you mean 'linear'?"),
        ("beta=linear:0", "linear takes linear:START:END[:EPOCHS], got linear:0"),
        ("beta=linear:0:1:2:3", "linear takes linear:START:END[:EPOCHS], got linear:0:1:2:3"),
        ("beta=step:1:0.5", "step takes step:START:FACTOR:EPOCHS, got step:1:0.5"),
        ("beta=linear:0:one:2", "END must be a number, got 'one'"),
        ("beta=linear:0:nan:2", "END must be a finite number, got nan"),
        ("beta=linear:0:1:0", "EPOCHS must be positive, got 0"),
        ("beta=exponential:0:1:2", "START and END of an exponential schedule must be positive"),
        ("beta=linear:0:1,constant:1", "linear without EPOCHS takes all that are left"),
        ("beta=cyclical:0:1:2,constant:1", "cyclical goes on to the end of the training: put it last"),
    ],
)
def test_what_is_no_schedule(text, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--anneal", text])
    assert message in capsys.readouterr().err


def test_a_text_is_read_as_it_was_typed():
    assert annealing("beta=linear:0:1:10") == ("beta", "linear:0:1:10")


OF_FORMER_VERSIONS = {
    "linear": (
        {"beta": 0.5, "beta_schedule": "linear", "anneal_from": 0.25, "beta_epochs": 2},
        ["beta=linear:0.25:0.5:2"],
    ),
    "cyclical": (
        {"bound_options": {"beta": 0.5}, "beta_schedule": "cyclical", "beta_epochs": 1, "anneal": "beta"},
        ["beta=cyclical:0:0.5:1"],
    ),
    "constant": ({"beta_schedule": "constant", "beta_epochs": 10, "anneal_from": 0.0, "anneal": None}, []),
    "default": ({"beta_schedule": "linear", "beta_epochs": 3}, ["beta=linear:0:1:3"]),
}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("kind", OF_FORMER_VERSIONS)
def test_a_run_of_a_former_version_goes_on_as_it_began(kind, tmp_path):
    """Its config.json has --beta-schedule and its like."""
    former, today = OF_FORMER_VERSIONS[kind]
    words = ["train", *SMALL, "--epochs", "2", *(["--anneal", *today] if today else []), "--quiet"]
    for name in ("whole", "former"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
    folder = tmp_path / "former"
    config = json.loads((folder / "config.json").read_text())
    asked = {name: value for name, value in config["asked"].items() if name != "anneal"}
    (folder / "config.json").write_text(json.dumps({**config, "asked": {**asked, **former}}))
    last = max((folder / "checkpoints").iterdir())
    last.unlink()
    assert list((folder / "checkpoints").iterdir())
    write_status(folder, "interrupted", "yesterday")
    (folder / "model.params").unlink()
    assert main(["train", "--resume", str(folder)]) == 0
    assert (folder / "model.params").read_bytes() == (tmp_path / "whole" / "model.params").read_bytes()


def test_a_schedule_from_another_start():
    """``start`` moves the bottom of the cycles alone."""
    high, low = (gv.schedules.cyclical(40, cycles=2, end=1, start=start) for start in (0.5, 0))
    np.testing.assert_allclose([high(step) for step in range(50)], [0.5 + low(step) / 2 for step in range(50)])
