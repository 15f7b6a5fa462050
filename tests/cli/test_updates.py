"""Options of the command that are about the updates do what they do in ``fit``."""

import json
import sys

import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from tests.helpers.commands import TINY

pytestmark = pytest.mark.usefixtures("fast_disk", "few_digits")


def train(folder, *words):
    assert main(["train", *TINY, *words, "--quiet", "--out", str(folder)]) == 0
    return folder


def parameters(folder):
    loaded = gv.backend.runtime.mx.nd.load(str(folder / "model.params"))
    return {name: value.asnumpy() for name, value in loaded.items()}


# options, arguments of fit
OPTIONS = {
    "weight decay": ("--optimizer-options wd=0.1 beta1=0.5", {"optimizer_params": {"wd": 0.1, "beta1": 0.5}}),
    "clipping": ("--clip-norm 0.5", {"clip_norm": 0.5}),
    "accumulation": ("--accumulate 2", {"accumulate": 2}),
    "averages": ("--ema 0.5", {"ema": 0.5}),
    "the best": ("--restore-best --epochs 2", {"restore_best": True, "epochs": 2}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_they_are_arguments_of_fit(name, tmp_path):
    words, options = OPTIONS[name]
    run = train(tmp_path / "run", "--learning-rate-schedule", "constant", *words.split())
    gv.seed(7)
    train_set, valid, _ = gv.data.load("digits")
    vae = gv.construct_vae(infer_layer_sizes=[5], generator_layer_sizes=[5], latent_variable_size=2)
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    options = {"epochs": 1, "batch_size": 20, "learning_rate": 2e-3, "progress": False, **options}
    gv.fit(bound, train_set, valid, **options)
    for key, value in vae._collect_params_with_prefix().items():
        assert (parameters(run)[key] == value.data().asnumpy()).all(), key
    plain = parameters(train(tmp_path / "plain", "--learning-rate-schedule", "constant"))
    assert any((plain[key] != value).any() for key, value in parameters(run).items())


def test_patience_ends_the_training(tmp_path, capsys):
    run = tmp_path / "run"
    words = ["--epochs", "50", "--patience", "2", "--learning-rate", "2", "--out", str(run)]
    assert main(["train", *TINY, *words]) == 0
    assert "epochs: valid_bound has not improved for 2 epochs" in capsys.readouterr().out
    bounds = [json.loads(line)["valid_bound"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(bounds) < 50
    assert bounds.index(max(bounds)) == len(bounds) - 3
    assert json.loads((run / "status.json").read_text())["status"] == "finished"
    assert (run / "result.json").exists()
    assert main(["train", "--resume", str(run)]) == 0
    assert "is finished: there is nothing to resume" in capsys.readouterr().out


def test_the_rate_falls_at_a_plateau(tmp_path):
    # steps so small that they change no parameter, and so no bound
    words = ["--learning-rate", "1e-30", "--epochs", "30", "--learning-rate-schedule", "plateau"]
    run = train(tmp_path / "run", *words)
    rates = [json.loads(line)["learning_rate"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([1e-30] * 11 + [1e-31] * 10 + [1e-32] * 9, rel=1e-9, abs=0)


def test_what_tensorboard_reads(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = train(tmp_path / "run", "--tensorboard", "--epochs", "2")
    events = accumulators.EventAccumulator(str(run / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("bound/valid")] == [1, 2]
    assert {"samples", "reconstructions"} == set(events.Tags()["images"])


def test_tensorboard_without_its_library(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert main(["train", *TINY, "--tensorboard", "--out", str(tmp_path / "run")]) == 2
    assert (
        "--tensorboard: tensorboardX is not installed: pip install 'gluonvae[tensorboard]'" in capsys.readouterr().err
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ema 1", "ema must lie between 0 and 1"),
        ("--clip-norm 0", "clip_norm must be positive"),
        ("--accumulate 0", "accumulate must be positive"),
        ("--patience 0", "patience must be positive"),
        ("--optimizer-options weight_decay=1", "an option of the optimizer adam must be one of"),
    ],
)
def test_errors(words, message, tmp_path, capsys):
    assert main(["train", *TINY, *words.split(), "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
