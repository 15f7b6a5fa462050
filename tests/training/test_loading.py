"""A run or a model comes back by one call: every part, its bound, data and history, and what is said where it cannot."""

import json
import subprocess
import sys
from itertools import cycle

import numpy as np
import pandas
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.config import RunError
from gluonvae.weights import Weight
from tests.helpers import nd, small_vae
from tests.helpers.commands import SMALL, without_pictures
from tests.helpers.runs import IMAGES, fit
from tests.helpers.tensors import draw
from tests.tables import parts
from tests.tables.parts import BOUNDS, CLASSES

pytestmark = pytest.mark.usefixtures("fast_disk")

X = parts.SHAPE[0] * parts.SHAPE[1]
FIRST_FITTING = {q: next(p for p in parts.PRIORS if parts.prior_fits(q, p)) for q in parts.POSTERIORS}
MODELS = {
    **{f"{name}, likelihood": {"likelihood": name} for name in parts.LIKELIHOODS},
    **{f"{q}, posterior": {"posterior": q, "prior": p} for q, p in FIRST_FITTING.items()},
    **{f"{name}, prior": {"prior": name} for name in parts.priors.PRIORS},
    "conditional, prior": {"prior": "conditional", "labels": "conditional"},
    **{f"{name}, body": {"body": name} for name in parts.BODIES},
    **{f"{name}, labels": {"labels": name} for name in parts.LABELS},
    "missing values": {"values": "missing values"},
}


def by_classes(vae):
    """The same model, made of its parts by the user and not by construct_vae, with other parameters."""
    recipe = gv.backend.recipes.recipe_of(vae)
    arguments = {name: gv.backend.recipes.make(value) for name, value in recipe["arguments"].items()}
    other = type(vae)(**arguments)
    other.initialize()
    return other


def assert_same_model(one, other):
    """They compute the same, of parameters that are the same."""
    assert type(one) is type(other)
    wanted, got = one._collect_params_with_prefix(), other._collect_params_with_prefix()
    assert list(got) == list(wanted)
    for name in wanted:
        assert got[name].dtype == wanted[name].dtype, name
        assert got[name].grad_req == wanted[name].grad_req, name
        np.testing.assert_array_equal(got[name].data().asnumpy(), wanted[name].data().asnumpy())


def assert_same_numbers(one, other, rng, data):
    noise = draw(rng, one.inference_net.noise, (len(data),))
    label = [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, len(data))])] if one.label_size else []
    for got, want in zip(other(nd(data), noise, *label), one(nd(data), noise, *label)):
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())


@pytest.mark.parametrize(("name", "made"), zip(MODELS, cycle(["construct_vae", "classes"])))
def test_a_file_of_every_part(name, made, rng, tmp_path):
    vae = parts.model(**MODELS[name])
    data = parts.LIKELIHOODS[MODELS[name].get("likelihood", "bernoulli_prod")].data(rng, 4, X)
    vae(nd(data), label=np.arange(4) % CLASSES if vae.label_size else None)  # sizes that are left to the first call
    if made == "classes":
        parameters = tmp_path / "parameters"
        vae.save_parameters(str(parameters))
        vae = by_classes(vae)
        vae.load_parameters(str(parameters))
        assert vae.made_with is None
    vae.save(tmp_path / "model.npz")
    other = gv.load(str(tmp_path / "model.npz"))
    assert_same_model(vae, other)
    assert_same_numbers(vae, other, rng, data)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_run_of_every_bound(name, tmp_path):
    pairs = ((q, p) for q in parts.POSTERIORS for p in parts.PRIORS if parts.prior_fits(q, p))
    posterior, prior = next(pair for pair in pairs if parts.bound_fits(name, *pair))
    labels = "semi-supervised" if name == "SemiSupervisedELBO" else "without labels"
    values = "missing values" if name == "ObservedIWAE" else "all values"
    bound = BOUNDS[name](parts.model(posterior=posterior, prior=prior, labels=labels, values=values))
    rng = np.random.default_rng(0)
    data = gv.data.Dataset(
        rng.integers(0, 2, (20, X)), labels=np.arange(20) % CLASSES if labels == "semi-supervised" else None
    )
    gv.fit(bound, data, epochs=1, batch_size=10, progress=False, folder=tmp_path / "run")
    run = gv.load(str(tmp_path / "run"))
    assert_same_model(bound.vae, run.vae)
    assert type(run.bound) is type(bound)
    assert run.bound.weights == bound.weights
    assert run.bound.samples == bound.samples
    assert_same_model(bound, run.bound)
    assert gv.evaluate(run.bound, data) == gv.evaluate(bound, data)


def test_a_run_from_the_command_line(tmp_path, monkeypatch):
    """Everything in one line each."""
    without_pictures(monkeypatch)
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=np.array(["cat", "dog", "eel"])[np.arange(len(IMAGES)) % 3])
    words = [
        "train",
        *SMALL,
        "--data",
        str(tmp_path / "mine.npz"),
        "--shape",
        "4",
        "3",
        "--conditional",
        "--batch-size",
        "16",
        "--epochs",
        "2",
        "--quiet",
    ]
    assert main([*words, "--bound", "iwae", "--samples", "3", "--out", str(tmp_path / "run")]) == 0
    run = gv.load(str(tmp_path / "run"))
    assert (run.status, len(run.history), run.class_names) == ("finished", 2, ("cat", "dog", "eel"))
    status = tmp_path / "run" / "status.json"
    finished = status.read_text()
    status.write_text(finished.replace('"finished"', '"running"'))
    assert run.status == gv.load(tmp_path / "run").status == "interrupted"  # no process trains it
    status.write_text(finished)
    assert run.history["valid_bound"] == [
        json.loads(line)["valid_bound"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    assert (type(run.bound), run.bound.samples) == (gv.IWAE, 3)
    assert [len(part) for part in run.data] == [48, 6, 6]
    assert gv.evaluate(run.bound, run.data.test).bound == pytest.approx(run.result["test_bound"], rel=1e-6)
    assert run.vae.phantasize(2, label="dog").shape == (2, 12)
    history = run.resume(epochs=3, progress=False)
    assert len(history) == 3
    assert history["learning_rate"][2] == history["learning_rate"][1]
    assert len(run.history) == 3
    assert_same_model(gv.load(tmp_path / "run").vae, run.vae)
    assert "finished, 3 epochs" in repr(run)


def test_best_and_last(tmp_path):
    rate = lambda step: 1e-2 if step < 3 else 3.0  # noqa: E731  the last epoch spoils what the first has learnt
    fit(tmp_path / "run", learning_rate=rate)
    last, best = (gv.load(tmp_path / "run", checkpoint=name) for name in ("last", "best"))
    valid = last.history["valid_bound"]
    assert valid[0] > valid[1]
    for run, want in ((best, valid[0]), (last, valid[1])):
        assert gv.evaluate(run.bound, IMAGES[:20], rows=20).bound == pytest.approx(want, rel=1e-6)
    with pytest.raises(ValueError, match=r"checkpoint .*'best'"):
        gv.load(tmp_path / "run", checkpoint="bset")


def test_without_validation_data_there_is_no_best(tmp_path):
    gv.fit(gv.ELBO(small_vae()), IMAGES, epochs=1, batch_size=20, progress=False, folder=tmp_path / "run")
    with pytest.raises(RunError, match=r"has no best.params: it was trained without validation data"):
        gv.load(tmp_path / "run", checkpoint="best")


def test_what_was_trained_on_arrays_says_what_to_supply(tmp_path):
    fit(tmp_path / "run")
    run = gv.load(tmp_path / "run")
    with pytest.raises(
        RunError, match=r"was trained on 60 images \(train\), 20 images \(valid\) of shape \(12,\) from Python"
    ):
        _ = run.data
    with pytest.raises(RunError, match=r"pass them again"):
        run.resume(epochs=3)
    assert len(run.resume(IMAGES, IMAGES[:20], epochs=3, progress=False)) == 3


def test_data_that_have_moved_and_that_have_changed(tmp_path, monkeypatch):
    without_pictures(monkeypatch)
    np.save(tmp_path / "mine.npy", IMAGES)
    words = ["train", *SMALL, "--data", str(tmp_path / "mine.npy"), "--batch-size", "10", "--epochs", "1", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    (tmp_path / "mine.npy").rename(tmp_path / "there.npy")
    with pytest.raises(gv.data.DataError, match=r"there is nothing of that name"):
        _ = gv.load(tmp_path / "run").data
    assert len(gv.load(tmp_path / "run", data=tmp_path / "there.npy").data.train) == 48
    np.save(tmp_path / "there.npy", 1 - IMAGES)
    with pytest.raises(gv.data.DataError, match=r"the data have changed since the training began"):
        _ = gv.load(tmp_path / "run", data=tmp_path / "there.npy").data


def test_few_labels_are_those_of_the_training(tmp_path, monkeypatch):
    without_pictures(monkeypatch)
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=np.arange(len(IMAGES)) % 3)
    words = [
        "train",
        *SMALL,
        "--data",
        str(tmp_path / "mine.npz"),
        "--bound",
        "semi_supervised",
        "--labels",
        "9",
        "--batch-size",
        "10",
        "--epochs",
        "1",
        "--quiet",
    ]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    run = gv.load(tmp_path / "run")
    assert (run.data.train.labels >= 0).sum() == 9
    assert len(run.resume(epochs=2, progress=False)) == 2


class Body(mx.gluon.nn.HybridSequential):
    """A user's own block."""


class Scaled(gv.ELBO):
    """A user's own bound, with a weight of its own."""

    scale = Weight()

    def __init__(self, vae, scale=2.0):
        super().__init__(vae)
        self.scale = scale

    def objective(self, F, log_likelihood, kl, weights):
        return F.broadcast_mul(log_likelihood - kl, weights.scale)


def own_model():
    body = Body()
    body.add(mx.gluon.nn.Dense(5, "tanh", in_units=12))
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(3, body))
    vae.initialize()
    return vae


def test_a_users_own_blocks_are_passed(tmp_path):
    vae = own_model()
    gv.fit(gv.ELBO(vae), IMAGES, epochs=1, batch_size=20, progress=False, folder=tmp_path / "run")
    vae.save(tmp_path / "model.npz")
    for path in (tmp_path / "run", tmp_path / "model.npz"):
        with pytest.raises(RunError, match=r"has parts of your own \(Body\): .* gluonvae.load\('.*', vae=vae\)"):
            gv.load(path)
    uninitialised = own_model()
    assert_same_model(vae, gv.load(tmp_path / "run", vae=own_model()).vae)
    assert_same_model(vae, gv.load(tmp_path / "model.npz", vae=uninitialised))
    with pytest.raises(RunError, match=r"is of another model"):
        gv.load(tmp_path / "model.npz", vae=small_vae())
    with pytest.raises(RunError, match=r"does not hold the parameters"):
        gv.load(tmp_path / "run", vae=small_vae())
    with pytest.raises(TypeError, match=r"vae must be a VAE, got ELBO"):
        gv.load(tmp_path / "run", vae=gv.ELBO(vae))


def test_an_activation_of_the_users_own(tmp_path):
    vae = small_vae(infer_act_type=lambda: mx.gluon.nn.LeakyReLU(0.2))
    vae.save(tmp_path / "model.npz")
    with pytest.raises(RunError, match=r"has parts of your own .*lambda"):
        gv.load(tmp_path / "model.npz")


def test_a_users_own_bound_is_passed(tmp_path):
    bound = Scaled(small_vae())
    gv.fit(
        bound,
        IMAGES,
        epochs=1,
        batch_size=20,
        progress=False,
        folder=tmp_path / "run",
        weights={"scale": lambda step: 3.0},
    )
    run = gv.load(tmp_path / "run")
    assert_same_model(bound.vae, run.vae)
    with pytest.raises(RunError, match=r"trained with a bound of your own \(Scaled\).*bound=Scaled\)"):
        _ = run.bound
    again = gv.load(tmp_path / "run", bound=Scaled)
    assert again.bound.scale == 3
    assert len(again.resume(IMAGES, epochs=2, progress=False)) == 2


@pytest.mark.parametrize("dtype", ["float64", gv.BFLOAT16], ids=str)
def test_other_dtypes(dtype, tmp_path):
    vae = small_vae()
    vae.cast(dtype)
    vae.save(tmp_path / "model.npz")
    other = gv.load(tmp_path / "model.npz")
    assert np.dtype(other.dtype) == np.dtype(dtype)
    for one, another in zip(vae.collect_params().values(), other.collect_params().values()):
        assert one.data().dtype == another.data().dtype
        np.testing.assert_array_equal(
            one.data().astype("float32").asnumpy(), another.data().astype("float32").asnumpy()
        )


def test_a_run_in_float64(tmp_path):
    vae = small_vae()
    vae.cast("float64")
    gv.fit(gv.ELBO(vae), IMAGES, epochs=1, batch_size=20, progress=False, folder=tmp_path / "run")
    assert_same_model(vae, gv.load(tmp_path / "run").vae)


def test_a_device_that_is_not_there(tmp_path):
    small_vae().save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match=r"device gpu:7 is not there"):
        gv.load(tmp_path / "model.npz", ctx=mx.gpu(7))


def test_another_process(tmp_path, rng):
    vae = small_vae(label_size=3)
    vae.class_names = ("cat", "dog", "eel")
    vae.save(str(tmp_path / "model.npz"))
    noise = rng.standard_normal((2, 4)).astype(np.float32)
    np.save(tmp_path / "noise.npy", noise)
    code = (
        "import numpy, gluonvae as gv; from mxnet import nd; vae = gv.load('model.npz');"
        "drawn = vae.phantasize(2, 'mean', nd.array(numpy.load('noise.npy')), label='dog');"
        "numpy.save('drawn.npy', drawn.asnumpy())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    wanted = vae.phantasize(2, "mean", nd(noise), label="dog").asnumpy()
    np.testing.assert_allclose(np.load(tmp_path / "drawn.npy"), wanted, rtol=1e-6)


def test_what_is_no_model(tmp_path):
    with pytest.raises(RunError, match=r"there is no .*nothing"):
        gv.load(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"is not the folder of a run"):
        gv.load(tmp_path)
    vae = small_vae()
    vae.save_parameters(str(tmp_path / "model.params"))
    with pytest.raises(RunError, match=r"is no model that vae.save wrote.*load_parameters"):
        gv.load(tmp_path / "model.params")
    vae.save(tmp_path / "model.npz")
    content = bytearray((tmp_path / "model.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(RunError, match=r"is no model that vae.save wrote, or is damaged"):
        gv.load(tmp_path / "model.npz")
    with pytest.raises(ValueError, match=r"bound is for the folder of a run"):
        gv.load(tmp_path / "model.npz", bound=gv.ELBO)


def test_a_newer_file(tmp_path):
    path = tmp_path / "model.npz"
    small_vae().save(path)
    state, arrays = gv.training.checkpoint.read(path)
    gv.training.checkpoint.write(
        path, gv.training.checkpoint.Checkpoint({**state, "form": 2, "gluonvae": "9.9"}, arrays)
    )
    with pytest.raises(RunError, match=r"was written by gluonvae 9.9, and this is"):
        gv.load(path)


def test_not_finite(tmp_path):
    vae = small_vae()
    next(iter(vae.generator.collect_params().values())).data()[:] = np.nan
    vae.save(tmp_path / "model.npz")
    with pytest.raises(RunError, match=r"holds NaN or infinity in generator"):
        gv.load(tmp_path / "model.npz")


def test_saving_what_is_not_initialised(tmp_path):
    vae = gv.construct_vae(data_dims=12)
    with pytest.raises(RuntimeError, match=r"has not been initialized"):
        vae.save(tmp_path / "model.npz")
    assert not any(tmp_path.iterdir())


def test_recipes_name_nothing_but_blocks_of_gluonvae(tmp_path):
    """A config that somebody has changed runs nothing else."""
    fit(tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["bound"]["class"] = "Popen"
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"there is no such bound: .*'Popen'"):
        _ = gv.load(tmp_path / "run").bound


def test_other_data_are_prepared_as_those_of_the_training(tmp_path, monkeypatch):
    """A table whose columns lie in another order, with more of them; a file; and grey values in the data's units."""
    without_pictures(monkeypatch)
    rng = np.random.default_rng(0)
    table = pandas.DataFrame({"a": rng.normal(5, 2, 60), "b": rng.normal(0, 9, 60), "kind": ["x", "y"] * 30})
    table.to_csv(tmp_path / "rows.csv", index=False)
    words = ["--label-column", "kind", "--conditional", "--batch-size", "10", "--epochs", "1", "--quiet"]
    words = ["train", *SMALL, "--data", str(tmp_path / "rows.csv"), *words, "--out", str(tmp_path / "run")]
    assert main(words) == 0
    run = gv.load(tmp_path / "run")
    wanted = run.vae.encode(run.prepare(tmp_path / "rows.csv"))
    other = table.assign(more=1.0)[["kind", "more", "b", "a"]]
    for data in (run.prepare(other), run.prepare(table[["a", "b"]].to_numpy(), table["kind"].to_numpy())):
        np.testing.assert_allclose(run.vae.encode(data), wanted, rtol=1e-5)
    assert run.prepare(run.data.test) is run.data.test
    with pytest.raises(gv.data.DataError, match="the table lacks b, which the model was trained on"):
        run.prepare(table[["a", "kind"]])
    np.save(tmp_path / "grey.npy", rng.integers(0, 256, (60, 4, 3)).astype(np.uint8))
    words = ["train", *SMALL, "--data", str(tmp_path / "grey.npy"), "--batch-size", "10", "--epochs", "1", "--quiet"]
    assert main([*words, "--likelihood", "continuous_bernoulli", "--out", str(tmp_path / "grey")]) == 0
    run = gv.load(tmp_path / "grey")
    bright = run.prepare(np.full((2, 4, 3), 255, np.uint8))
    np.testing.assert_array_equal(bright.batch(slice(2)), np.ones((2, 12)))


def test_a_file_with_parts_is_not_one_set_of_data(tmp_path):
    fit(tmp_path / "run")
    np.savez(tmp_path / "parts.npz", train=IMAGES[:40], test=IMAGES[40:])
    with pytest.raises(gv.data.DataError, match=r"has train, test: take one of gluonvae.data.load"):
        gv.load(tmp_path / "run").prepare(tmp_path / "parts.npz")
