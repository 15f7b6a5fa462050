"""``gluonvae train --devices``."""

import json

import numpy as np
import pytest

from gluonvae.cli.main import main
from tests.helpers.commands import SMALL


def trained(folder, *words):
    rate = ("--optimizer", "sgd", "--learning-rate", "0.01", "--batch-size", "20")
    assert main(["train", *SMALL, *rate, "--epochs", "2", "--quiet", "--out", str(folder), *words]) == 0
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [[row[name] for row in rows] for name in ("train_bound", "train_kl", "valid_bound")]


@pytest.mark.usefixtures("few_digits")
def test_a_batch_is_shared_out(tmp_path):
    one = trained(tmp_path / "one")
    np.testing.assert_allclose(trained(tmp_path / "two", "--devices", "2"), one, rtol=1e-5)
    assert main(["evaluate", str(tmp_path / "two"), "--samples", "3", "--quiet"]) == 0


@pytest.mark.usefixtures("few_digits")
def test_a_run_knows_its_devices(tmp_path):
    trained(tmp_path / "run", "--devices", "2")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["asked"]["devices"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [("--devices 0", "devices must be at least 1, got 0"), ("--device gpu --devices 2", "is not there: MXNet sees 0")],
)
def test_devices_that_are_not_there(words, message, tmp_path, capsys):
    assert main(["train", "--out", str(tmp_path / "run"), *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
