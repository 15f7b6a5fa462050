"""Training and evaluation on data that come batch by batch."""

import json
import os
import shutil
import signal
from functools import partial

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import noise
from gluonvae.backend.runtime import mx
from gluonvae.training.checkpoint import CheckpointError
from tests.helpers import patterns, small_vae

pytestmark = pytest.mark.usefixtures("fast_disk")

X = patterns(np.random.default_rng(0), 50)
Y = (X[:, 0] == X[0, 0]).astype(int)
TIMES = {"seconds", "images_per_second"}


class Batches:
    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def of_size(size, *arrays):
    parts = [np.split(array, range(size, len(array), size)) for array in arrays]
    return Batches(*(parts[0] if len(arrays) == 1 else zip(*parts)))


def loader(*arrays, **options):
    return mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(*arrays), **{"batch_size": 20, **options})


def bound_of(mode, make=gv.ELBO, **options):
    gv.seed(3)
    bound = make(small_vae(**options))
    if mode == "hybrid":
        bound.hybridize(static_alloc=True, static_shape=True)
    return bound


def parameters(bound):
    return np.concatenate([of.data().asnumpy().ravel() for of in bound.vae.collect_params().values()])


def rows(history):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in history.rows]


def fitted(train, mode="imperative", valid=None, **options):
    bound = bound_of(mode)
    gv.seed(4)
    history = gv.fit(bound, train, valid, progress=False, **{"epochs": 3, "learning_rate": 0.01, **options})
    return parameters(bound), rows(history)


both_modes = pytest.mark.parametrize("mode", ["imperative", "hybrid"])


@both_modes
def test_it_is_the_loop_that_one_would_write(mode):
    bound = bound_of(mode)
    gv.seed(4)
    trainer = mx.gluon.Trainer(bound.vae.collect_params(), "adam", {"learning_rate": 0.01})
    bounds = []
    for _ in range(3):
        noise.source.rng.integers(2**32)  # the seed of an epoch's order
        total = 0.0
        for start in (0, 20, 40):
            batch = mx.nd.array(X[start : start + 20])
            with mx.autograd.record():
                objective = bound(batch)
            objective.backward(-mx.nd.ones_like(objective))
            trainer.step(len(batch))
            total += float(objective.sum().asscalar())
        bounds.append(total / 50)
    found, history = fitted(of_size(20, X), mode)
    np.testing.assert_allclose(found, parameters(bound), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([row["train_bound"] for row in history], bounds, rtol=1e-5)


@both_modes
def test_the_same_batches_in_any_form(mode):
    expected, history = fitted(of_size(20, X), mode)
    forms = [loader(X), loader(X, num_workers=2), loader(mx.nd.array(X)), of_size(20, X.astype(bool)), of_size(20, X.reshape(50, 3, 4))]  # fmt: skip
    for form in [*forms, of_size(20, X, Y)]:
        found, rows_of_form = fitted(form, mode)
        np.testing.assert_array_equal(found, expected)
        assert rows_of_form == history


@pytest.mark.parametrize("size", [7, 20, 50, 200])
def test_a_batch_size_that_is_asked_for(size):
    expected, history = fitted(of_size(size, X))
    for form in (of_size(20, X), of_size(13, X), of_size(50, X), loader(X)):
        found, rows_of_form = fitted(form, batch_size=size)
        np.testing.assert_array_equal(found, expected)
        assert rows_of_form == history


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_a_batch_size_that_is_none(size):
    with pytest.raises((ValueError, TypeError), match="batch_size must be"):
        fitted(of_size(20, X), batch_size=size)


def test_the_order_follows_the_seed_and_numpys_generator_is_left_alone():
    bound = bound_of("imperative")
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    gv.fit(bound, loader(X, shuffle=True), loader(X, shuffle=True), epochs=2, progress=False)
    assert np.random.rand() == expected
    first = fitted(loader(X, shuffle=True))
    np.testing.assert_array_equal(fitted(loader(X, shuffle=True))[0], first[0])
    np.testing.assert_array_equal(fitted(loader(X, shuffle=True, num_workers=2))[0], first[0])
    assert (fitted(loader(X))[0] != first[0]).any()


def test_validation_on_batches_is_that_on_the_array():
    train = of_size(20, X)
    expected = fitted(train, valid=X[:30])[1]
    for valid in (of_size(11, X[:30]), loader(X[:30]), of_size(30, X[:30], Y[:30])):
        assert fitted(train, valid=valid)[1] == expected
    with_array = fitted(X, batch_size=20, valid=X[:30])[1]
    assert fitted(X, batch_size=20, valid=of_size(11, X[:30]))[1] == with_array


@both_modes
def test_what_evaluates(mode):
    bound = bound_of(mode)
    vae, holes = bound.vae, np.where(np.arange(12) % 5 == 0, np.nan, X)
    missing = small_vae(likelihood="gaussian", likelihood_options={"missing": True})
    calls = {
        "evaluate": lambda x: gv.evaluate(bound, x, batch_size=16),
        "log_marginal_likelihood": lambda x: gv.log_marginal_likelihood(vae, x, samples=4).log_likelihood,
        "impute": lambda x: missing.impute(holes if x is X else of_size(20, holes), samples=3),
    }
    for name, call in calls.items():
        expected = call(X)
        for form in (of_size(20, X), loader(X)):
            np.testing.assert_allclose(call(form), expected, rtol=1e-5, err_msg=name)


def test_a_run_of_batches(tmp_path):
    bound = bound_of("hybrid")
    gv.fit(bound, loader(X), loader(X[:20]), epochs=2, progress=False, folder=tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["parts"], config["limits"], config["shape"], config["things"]) == (None, None, [12], "rows")
    vae, _ = gv.training.run.load_run(tmp_path / "run", mx.cpu())
    assert gv.evaluate(gv.ELBO(vae), X) == gv.evaluate(gv.ELBO(bound.vae), X)


def copy_at(step, folder, to):
    def rate(taken):
        if taken == step and not to.exists():
            shutil.copytree(folder, to)
        return 0.01

    return rate


@pytest.mark.parametrize(
    ("step", "options"),
    [(2, {}), (3, {}), (7, {}), (5, {"last_batch": "discard"}), (4, {"num_workers": 2}), (4, {"batch_size": 7})],
)
def test_resumed_to_the_bit(step, options, tmp_path):
    def train(**where):
        bound = bound_of("imperative")
        history = gv.fit(
            bound, loader(X, shuffle=True, **options), X[:20], epochs=3, progress=False, checkpoint_minutes=1e-9,
            **{"learning_rate": 0.01, **where},
        )  # fmt: skip
        return parameters(bound), rows(history)

    whole = train()
    run, copy = tmp_path / "run", tmp_path / "copy"
    assert train(folder=run, learning_rate=copy_at(step, run, copy))[1] == whole[1]
    found, history = train(resume=copy)
    np.testing.assert_array_equal(found, whole[0])
    assert history == whole[1]


def test_other_batches_are_not_resumed(tmp_path):
    options = {"epochs": 1, "progress": False}
    gv.fit(bound_of("imperative"), loader(X), folder=tmp_path / "run", **options)
    with pytest.raises(CheckpointError, match="the checkpoint is of another training: its data"):
        gv.fit(bound_of("imperative"), loader(X, Y), resume=tmp_path / "run", **options)
    with pytest.raises(CheckpointError, match="the checkpoint is of another training: its data"):
        gv.fit(bound_of("imperative"), X, batch_size=20, resume=tmp_path / "run", **options)


@pytest.mark.parametrize(("step", "finished"), [(1, 0), (2, 1), (3, 1)])
def test_ctrl_c(step, finished, tmp_path):
    def press(taken):
        if taken == step:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    bound = bound_of("imperative")
    run = {"epochs": 2, "progress": False}
    history = gv.fit(bound, loader(X), learning_rate=press, folder=tmp_path / "run", **run)
    assert history.interrupted
    again = bound_of("imperative")
    history = gv.fit(again, loader(X), learning_rate=lambda taken: 0.01, resume=tmp_path / "run", **run)
    assert len(history) == 2
    whole = bound_of("imperative")
    gv.fit(whole, loader(X), learning_rate=lambda taken: 0.01, **run)
    np.testing.assert_array_equal(parameters(again), parameters(whole))


def test_a_model_that_standardises_takes_its_scales_from_all_batches(rng):
    values = rng.normal(1000, 5, (50, 12))
    options = {"likelihood": "gaussian", "likelihood_options": {"standardize": True}}
    stream, whole = bound_of("imperative", **options), bound_of("imperative", **options)
    gv.fit(stream, of_size(20, values), epochs=1, progress=False)
    gv.fit(whole, values, epochs=1, progress=False, batch_size=20)
    for bound in (stream, whole):
        mean, std = (of.data().asnumpy() for of in bound.vae.generator.standardization)
        np.testing.assert_allclose(mean, values.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(std, values.std(axis=0), rtol=1e-5)


def semi_supervised():
    return bound_of("imperative", gv.SemiSupervisedELBO, label_size=2, classifier_layer_sizes=[5])


def test_few_labels_in_batches():
    few = np.where(np.arange(50) % 5 == 0, Y, -1)
    results = []
    for form in (of_size(20, X, few), loader(X, few), of_size(20, X, np.where(few < 0, np.nan, few))):
        bound = semi_supervised()
        gv.seed(4)
        history = gv.fit(bound, form, of_size(11, X, Y), epochs=3, learning_rate=0.01, progress=False)
        results.append((parameters(bound), rows(history)))
    data = gv.data.Dataset(X, binarization="none", labels=Y)
    assert results[0][1][-1]["valid_accuracy"] == gv.accuracy(bound.vae, data)
    hidden = gv.evaluate(bound, gv.data.hide_labels(data))
    assert results[0][1][-1]["valid_bound"] == pytest.approx(hidden.bound, rel=1e-6)
    for found, history in results[1:]:
        np.testing.assert_array_equal(found, results[0][0])
        assert history == results[0][1]


def test_validation_whose_labels_are_all_missing():
    for valid in (of_size(20, X, np.full(50, -1)), gv.data.Dataset(X, binarization="none", labels=np.full(50, -1))):
        history = gv.fit(semi_supervised(), of_size(20, X, Y), valid, epochs=1, progress=False)
        assert "valid_accuracy" not in history.rows[0]
        assert np.isfinite(history["valid_bound"]).all()
    with pytest.raises(ValueError, match="no image in data has a label"):
        gv.accuracy(semi_supervised().vae, of_size(20, X, np.full(50, -1)))


def test_classes_of_batches_are_those_that_the_model_knows_by_other_numbers():
    """Of classes 1 and 2, met in an array, batches name the same."""
    bound = bound_of("imperative", label_size=2)
    gv.fit(bound, gv.data.Dataset(X, binarization="none", labels=Y + 1), epochs=1, progress=False)
    assert bound.vae.class_names == (1, 2)
    array = gv.data.Dataset(X, binarization="none", labels=Y + 1)
    assert gv.evaluate(bound, of_size(20, X, Y + 1)) == gv.evaluate(bound, array)
    with pytest.raises(ValueError, match="label 0 is none of the 2 classes of the model: 1, 2"):
        gv.evaluate(bound, of_size(20, X, Y))


def test_the_total_correlation_is_of_a_known_number_of_data_points():
    stream = gv.data.Stream(of_size(20, X))
    found, expected = (bound_of("imperative", partial(gv.BetaTC, dataset_size=size)) for size in (len(stream), 50))
    for bound in (found, expected):
        gv.seed(4)
        gv.fit(bound, stream, epochs=1, progress=False)
    np.testing.assert_array_equal(parameters(found), parameters(expected))


def once():
    yield X


def spoilt(row, value, labels=None):
    wrong = X.copy()
    wrong[row, 3] = value
    return of_size(20, wrong) if labels is None else of_size(20, wrong, labels)


WRONG = {
    "a generator": (once, TypeError, "generator yields its batches once, and each epoch needs all of them"),
    "width": (lambda: of_size(20, X[:, 1:]), ValueError, r"train must be rows of 12 values each, got batches of 11 \(shape \(11,\)\)"),
    "unlike shapes": (lambda: Batches(X, X[:, 1:]), ValueError, r"a batch has data points of shape \(11,\), the first has \(12,\)"),
    "NaN in the first": (lambda: spoilt(7, np.nan), ValueError, "rows 0 to 19 of the data has nan at .*7, 3"),
    "NaN later": (lambda: spoilt(27, np.nan), ValueError, "rows 20 to 39 of the data has nan at .*7, 3"),
    "out of support": (lambda: spoilt(27, 0.5), ValueError, "rows 20 to 39 of the data must be 0 or 1 everywhere"),
    "infinity": (lambda: spoilt(27, np.inf), ValueError, r"a batch has inf at \(7, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_batches_that_do_not_fit_the_model(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        fitted(make())


LABELS = {
    "none": (lambda: of_size(20, X), ValueError, r"train has no labels, and ConditionalVAE takes them: yield pairs, \(values, labels\)"),
    "of some": (lambda: Batches((X, Y), X), ValueError, "some batches have labels and others have none"),
    "too high": (lambda: of_size(20, X, Y + np.arange(50) // 25), ValueError, "rows 20 to 39 of the data: labels must be whole numbers from 0 to 1, got int64 from"),
    "missing": (lambda: of_size(20, X, np.where(np.arange(50) == 30, np.nan, Y)), ValueError, "rows 20 to 39 of the data: 1 of 20 labels are missing"),
    "conditions": (lambda: of_size(20, X, Y / 2), ValueError, "whole numbers"),
    "names": (lambda: of_size(20, X, np.array(["a", "b"])[Y]), ValueError, "labels are names, such as '[ab]', .*: set them as vae.class_names"),
    "three columns": (lambda: of_size(20, X, np.eye(3)[Y]), ValueError, r"label must have shape \(20,\) or \(20, 2\), got \(20, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_batches_that_do_not_fit_the_model(name):
    make, error, message = LABELS[name]
    with pytest.raises(error, match=message):
        gv.fit(bound_of("imperative", label_size=2), make(), epochs=2, progress=False)
