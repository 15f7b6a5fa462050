"""Every kind of part trains by name, and comes back to be drawn from."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from tests.helpers.commands import SMALL, is_picture

KINDS = [
    *(["--likelihood", name] for name in gv.generator.LIKELIHOODS),
    *(["--posterior", name] for name in gv.inference.POSTERIORS),
    *(["--prior", name] for name in gv.prior.PRIORS),
    *(["--bound", name] for name in gv.objectives.BOUNDS),
]


# what else a kind goes with
LAYERED = ["--prior", "hierarchical", "--latent-size", "3", "2"]
DISCRETE = ["--prior", "codes", "--bound", "nvil"]
ONE_HOT = ["--latent-size", "6", "--posterior-options", "categories=3"]
QUANTIZED = ["--posterior", "vector_quantized", "--posterior-options", "code_size=2", "codes=4"]
QUANTIZED += ["--prior", "codebook", "--bound", "vq", "--latent-size", "6"]
COMPANIONS = {
    ("--likelihood", "categorical"): ["--likelihood-options", "categories=4"],
    ("--posterior", "hierarchical"): LAYERED,
    ("--posterior", "ladder"): LAYERED,
    ("--prior", "hierarchical"): [*LAYERED, "--posterior", "hierarchical"],
    ("--posterior", "bernoulli"): DISCRETE,
    ("--posterior", "categorical"): [*DISCRETE, *ONE_HOT],
    ("--posterior", "relaxed_bernoulli"): ["--prior", "codes"],
    ("--posterior", "relaxed_one_hot"): ["--prior", "codes", *ONE_HOT],
    ("--prior", "codes"): ["--posterior", "relaxed_bernoulli"],
    ("--posterior", "vector_quantized"): QUANTIZED,
    ("--prior", "codebook"): QUANTIZED,
    ("--bound", "vq"): QUANTIZED,
    ("--prior", "conditional"): ["--conditional"],
    ("--bound", "semi_supervised"): ["--labels", "6"],
    ("--bound", "observed_iwae"): ["--likelihood-options", "missing=True"],
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
def test_every_kind_trains_by_name_and_comes_back(kind, tmp_path, rng, capsys, monkeypatch):
    monkeypatch.setattr("gluonvae.plots.plot_history", lambda *of_run: None)  # the same for all kinds
    images, labels = rng.integers(0, 256, (50, 6, 4), dtype=np.uint8), np.arange(50) % 3
    if kind == ["--likelihood", "categorical"]:
        images = np.eye(4)[rng.integers(0, 4, (50, 6))]
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    kind = [*kind, *COMPANIONS.get(tuple(kind), [])]
    arguments = ["--data", str(tmp_path / "mine.npz"), "--shape", "6", "4", "--epochs", "1", "--batch-size", "10"]
    folder = str(tmp_path / "run")
    assert main(["train", *SMALL, *kind, *arguments, "--out", folder]) == 0
    for name in ("samples", "reconstructions"):
        assert is_picture(tmp_path / "run" / f"{name}.png")
    assert main(["sample", folder, "--image", "sample", "--out", str(tmp_path / "x.npy")]) == 0
    assert np.isfinite(np.load(tmp_path / "x.npy")).all()
    assert main(["reconstruct", folder, "--images", "3", "--out", str(tmp_path / "r.npy")]) == 0
    assert np.load(tmp_path / "r.npy").shape[1] == 3
    # nothing is drawn, or labels are summed out: there are no importance weights, and the command says so
    unweighted = {"vq", "semi_supervised"} & set(kind)
    assert main(["evaluate", folder, "--samples", "20"]) == (2 if unweighted else 0)
    assert ("no importance weights" in capsys.readouterr().err) == bool(unweighted)
