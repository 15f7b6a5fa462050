"""``gluonvae export``: its files are read by onnxruntime and by Gluon."""

import json
import re
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run
from tests.helpers import nd, small_vae
from tests.helpers.commands import TINY
from tests.helpers.runs import fit

PARTS = ["encoder", "decoder", "prior", "vae", "bound"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    images = np.random.default_rng(0).integers(0, 2, (40, 6, 4))
    np.save(folder / "images.npy", images)
    words = ["--data", str(folder / "images.npy"), "--bound", "iwae", "--samples", "3", "--out", str(folder / "run")]
    assert main(["train", *TINY, *words, "--quiet"]) == 0
    return folder / "run"


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_onnx(run, rng, capsys):
    assert main(["export", str(run)]) == 0
    out = capsys.readouterr().out
    assert sorted(path.name for path in (run / "onnx").iterdir()) == sorted(f"{part}.onnx" for part in PARTS)
    assert re.search(r"^decoder\n  in  latent +\(B, 2\)\n  out logits +\(B, 24\)$", out, re.MULTILINE)
    assert out.splitlines()[-1] == f"encoder, decoder, prior, vae, bound are in {run / 'onnx'}"
    vae, _ = load_run(run, mx.cpu())
    data, noise = nd(rng.integers(0, 2, (5, 24))), nd(rng.standard_normal((3, 5, 2)))
    got = session(run / "onnx" / "bound.onnx").run(["bound"], {"data": data.asnumpy(), "noise": noise.asnumpy()})
    wanted = gv.IWAE(vae, samples=3).terms(data, noise).bound.asnumpy()
    np.testing.assert_allclose(got[0], wanted, rtol=1e-5)
    for part in PARTS:
        model = onnx.load(str(run / "onnx" / f"{part}.onnx"))
        assert (model.producer_name, model.opset_import[0].version) == ("gluonvae", 17)


def test_symbol(run, rng, tmp_path, capsys):
    assert main(["export", str(run), "--format", "symbol", "--out", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    wanted_files = [f"{part}-{ending}" for part in PARTS for ending in ("symbol.json", "0000.params")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(wanted_files)
    files = [str(tmp_path / f"vae-{ending}") for ending in ("symbol.json", "0000.params")]
    block = mx.gluon.SymbolBlock.imports(files[0], ["data", "noise"], files[1])
    vae, _ = load_run(run, mx.cpu())
    data, noise = nd(rng.integers(0, 2, (5, 24))), nd(rng.standard_normal((5, 2)))
    *_, log_likelihood, kl = (of.asnumpy() for of in block(data, noise))
    np.testing.assert_allclose([log_likelihood, kl], [of.asnumpy() for of in vae(data, noise)], rtol=1e-5)


def test_drawn_noise(run, tmp_path):
    assert main(["export", str(run), "--noise", "drawn", "--out", str(tmp_path), "--quiet"]) == 0
    assert [of.name for of in session(tmp_path / "vae.onnx").get_inputs()] == ["data"]


def test_of_a_semi_supervised_run_there_is_a_classifier(tmp_path):
    images = np.random.default_rng(0).integers(0, 2, (60, 6))
    np.savez(tmp_path / "some.npz", images=images, labels=np.arange(60) % 3)
    words = ["--data", str(tmp_path / "some.npz"), "--bound", "semi_supervised", "--labels", "12"]
    assert main(["train", *TINY, *words, "--classifier-layers", "4", "--quiet", "--out", str(tmp_path / "run")]) == 0
    assert main(["export", str(tmp_path / "run"), "--quiet"]) == 0
    reader = session(tmp_path / "run" / "onnx" / "classifier.onnx")
    (probabilities,) = reader.run(["probabilities"], {"data": images[:5].astype(np.float32)})
    vae, _ = load_run(tmp_path / "run", mx.cpu())
    np.testing.assert_allclose(probabilities, vae.classify(nd(images[:5])).asnumpy(), rtol=1e-5)


class OwnBound(gv.ELBO):
    pass


@pytest.mark.parametrize(("bound", "exported"), [(gv.ELBO, ["bound"]), (OwnBound, [])])
def test_a_training_from_python(bound, exported, tmp_path, capsys):
    fit(tmp_path / "run", bound=bound(small_vae()))
    assert main(["export", str(tmp_path / "run")]) == 0
    parts = [*exported, "decoder", "encoder", "prior", "vae"]
    assert sorted(path.stem for path in (tmp_path / "run" / "onnx").iterdir()) == parts
    assert ("without the bound" in capsys.readouterr().out) is (not exported)


def test_without_onnx_it_says_what_to_install(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(run), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "gluonvae export: ONNX files are written by onnx: pip install 'gluonvae[onnx]'"
    assert not (tmp_path / "out").exists()


def test_what_is_no_run(tmp_path, capsys):
    assert main(["export", str(tmp_path)]) == 2
    assert "is not the folder of a run: it has no config.json" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(run, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["export", str(run), "--out", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_run_that_does_not_tell_of_its_data(run, tmp_path):
    """As those of older versions. The number of images, which only BetaTC asks for, is not known then."""
    config = json.loads((run / "config.json").read_text())
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("model.params", "status.json"):
        (copy / name).write_bytes((run / name).read_bytes())
    (copy / "config.json").write_text(json.dumps({**config, "parts": None}))
    assert main(["export", str(copy), "--quiet"]) == 0
