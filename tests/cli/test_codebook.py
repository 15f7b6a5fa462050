"""The command with a codebook."""

import json

import numpy as np


def test_the_command_trains_a_codebook(tmp_path, capsys):
    from gluonvae.cli.main import main

    folder = tmp_path / "run"
    options = "--posterior vector_quantized --posterior-options codes=16 --prior codebook --bound vq --bound-options "
    options += "commitment=0.5 --latent-size 32 --epochs 1 --generator-layers 20 --inference-layers 20 --out"
    assert main(["train", *options.split(), str(folder)]) == 0
    assert json.loads((folder / "result.json").read_text())["test_kl"] <= 4 * np.log(16) * 1.2
    assert main(["sample", str(folder), "-n", "3", "--out", str(tmp_path / "s.npy")]) == 0
    assert np.load(tmp_path / "s.npy").shape == (3, 28, 28)
