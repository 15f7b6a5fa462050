"""The command with bodies other than dense layers."""

import numpy as np

from gluonvae import networks
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run


def test_on_the_command_line(tmp_path, capsys):
    """A run of a convolutional model: trained, and loaded to draw from it."""
    rng = np.random.default_rng(1)
    for part in ("train", "valid", "test"):
        np.save(tmp_path / f"{part}.npy", rng.integers(0, 2, (40, 8, 6, 3)).astype("uint8"))
    folder = tmp_path / "run"
    asked = ["--inference-body", "conv", "--inference-body-options", "batch_norm=True", "--inference-layers", "4"]
    asked += ["--generator-body", "residual", "--generator-layers", "4", "3", "--generator-body-options", "blocks=2"]
    sizes = ["--latent-size", "3", "--epochs", "1", "--batch-size", "20"]
    assert main(["train", "--data", str(tmp_path), *asked, *sizes, "--out", str(folder)]) == 0
    assert main(["sample", str(folder), "-n", "5", "--out", str(tmp_path / "x.npy")]) == 0
    assert np.load(tmp_path / "x.npy").shape == (5, 8, 6, 3)
    vae, config = load_run(folder, mx.cpu())
    assert config["model"]["data_shape"] == [8, 6, 3]
    assert isinstance(vae.generator.body.body, networks.ResidualDecoder)
    assert isinstance(vae.inference_net.body.body, networks.ConvolutionalEncoder)
    assert main(["train", "--inference-body", "conv", "--inference-body-options", "norm=1", "--out", str(folder)]) == 2
    assert "an option of the infer_body 'conv' must be one of batch_norm" in capsys.readouterr().err
