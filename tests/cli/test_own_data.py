"""The command with a user's own data."""

import numpy as np
import pytest

from gluonvae.cli.main import main
from tests.helpers.commands import SMALL


@pytest.mark.parametrize("shape", [(15,), (3, 8, 8), (1, 8, 8), (8, 8, 3), (8, 8, 2)])
def test_pictures_of_own_data_where_it_has_any(shape, tmp_path, rng, caplog):
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, *shape), dtype=np.uint8))
    arguments = ["--data", str(tmp_path / "mine.npy"), "--out", str(tmp_path / "run"), "--epochs", "1"]
    grey = ["--likelihood", "bernoulli_prod"] if len(shape) == 1 else []
    assert main(["train", *SMALL, *arguments, "--batch-size", "10", *grey]) == 0
    drawn = shape not in ((15,), (8, 8, 2))
    assert (tmp_path / "run" / "samples.png").exists() == drawn
    assert (tmp_path / "run" / "curves.png").exists()
    assert ("are not drawn" in caplog.text) == (shape == (8, 8, 2))
    assert main(["sample", str(tmp_path / "run"), "--out", str(tmp_path / "x.npy")]) == 0


def test_a_run_on_own_data_works_from_another_folder(tmp_path, rng, monkeypatch):
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, 6, 4), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    assert main(["train", *SMALL, "--batch-size", "10", "--epochs", "1", "--data", "mine.npy", "--out", "run"]) == 0
    monkeypatch.chdir(tmp_path / "other")
    assert main(["reconstruct", "../run", "--images", "3"]) == 0


def test_own_data(tmp_path, rng):
    np.save(tmp_path / "mine.npy", rng.integers(0, 256, (50, 6, 4), dtype=np.uint8))
    assert (
        main(
            [
                "train",
                *SMALL,
                "--batch-size",
                "10",
                "--epochs",
                "1",
                "--data",
                str(tmp_path / "mine.npy"),
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert main(["sample", str(tmp_path / "run")]) == 0
    assert main(["reconstruct", str(tmp_path / "run"), "--images", "3"]) == 0
