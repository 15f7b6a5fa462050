"""Conditional and semi-supervised estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gluonvae as gv
from gluonvae.sklearn import VAEEstimator
from tests.helpers import nd

FAST = {
    "generator_layer_sizes": (8,),
    "infer_layer_sizes": (8,),
    "epochs": 40,
    "learning_rate": 0.02,
    "likelihood_samples": 50,
    "random_state": 0,
}
MIDDLES = np.array([[-4.0, 0.0, 2.0], [4.0, 0.0, -2.0], [0.0, 6.0, 0.0]])
NOISE = np.sqrt(2 / np.pi)
"""The mean absolute value of standard normal noise, which is around the middles."""
NAMES = np.array(["ash", "birch", "cedar"], object)


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    return MIDDLES[y] + rng.normal(size=(150, 3)), y


@pytest.fixture(scope="module")
def conditional(groups):
    return VAEEstimator(**FAST, conditional=True).fit(groups[0], NAMES[groups[1]])


def test_draws_of_a_class_are_around_its_middle(conditional):
    assert list(conditional.classes_) == list(NAMES)
    for name, middle in zip(NAMES, MIDDLES):
        np.testing.assert_allclose(conditional.sample(500, name, random_state=0).mean(axis=0), middle, atol=0.7)
    of_each = conditional.sample(3, NAMES, random_state=0)
    assert of_each.shape == (3, 3)


def test_a_conditional_model_takes_labels_everywhere(conditional, groups):
    X, y = groups[0], NAMES[groups[1]]
    assert conditional.score(X, y) > conditional.score(X, NAMES[(groups[1] + 1) % 3]) + 5
    codes = conditional.transform(X, y)
    one_hot = nd(np.eye(3)[groups[1]])
    np.testing.assert_allclose(codes, conditional.vae_.inference_net(nd(X), one_hot)[0].asnumpy(), rtol=1e-4, atol=1e-5)
    back = conditional.inverse_transform(codes, y)
    assert np.abs(back - X).mean() < 1.1 * NOISE
    np.testing.assert_array_equal(VAEEstimator(**FAST, conditional=True).fit_transform(X, y), codes)
    scores = cross_val_score(VAEEstimator(**FAST, conditional=True), X, y, cv=2)
    assert (scores > -8).all()


def test_conditions_are_numbers(groups):
    X = groups[0]
    estimator = VAEEstimator(**FAST, conditional=True, likelihood_options={"std": 0.1}).fit(X, X[:, :2] * 0.1)
    assert not hasattr(estimator, "classes_")
    assert estimator.vae_.label_size == 2
    draws = estimator.sample(200, np.tile([0.3, 0.1], (200, 1)), random_state=0)
    np.testing.assert_allclose(draws.mean(axis=0)[:2], [3, 1], atol=0.5)


@pytest.mark.parametrize("method", ["transform", "score_samples", "score", "sample", "inverse_transform"])
def test_a_conditional_model_says_that_labels_are_missing(method, conditional, groups):
    argument = {"sample": 3, "inverse_transform": np.zeros((2, 2))}.get(method, groups[0])
    with pytest.raises((ValueError, TypeError), match=r"(y|label) is missing"):
        getattr(conditional, method)(argument)


@pytest.mark.parametrize("options", [{"conditional": True}, {"classifier_layer_sizes": ()}], ids=str)
def test_a_model_with_labels_is_not_trained_without(options, groups):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        VAEEstimator(**options).fit(groups[0])


def hidden(y, missing):
    """Labels most of which are missing: ten of each class are known."""
    few = np.array(y, dtype=object if missing is None or isinstance(y[0], str) else type(missing))
    few[30:] = missing
    return few


SEMI = {**FAST, "classifier_layer_sizes": (8,)}


@pytest.mark.parametrize("missing", [-1, np.nan, None], ids=str)
@pytest.mark.parametrize(
    "called", [np.array([0, 1, 2]), np.array([3, 5, 9]), NAMES], ids=["numbers", "others", "names"]
)
def test_few_labels(missing, called, groups):
    X, y = groups[0], called[groups[1]]
    estimator = VAEEstimator(**SEMI).fit(X, hidden(y, missing))
    assert list(estimator.classes_) == list(called)
    assert accuracy_score(y, estimator.predict(X)) > 0.9
    probabilities = estimator.predict_proba(X)
    np.testing.assert_allclose(probabilities, estimator.vae_.classify(nd(X)).asnumpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(estimator.classes_[probabilities.argmax(axis=1)], estimator.predict(X))
    # of what is known alone
    assert estimator.score(X, y) == accuracy_score(y, estimator.predict(X))
    assert estimator.score(X, hidden(y, missing)) == accuracy_score(y[:30], estimator.predict(X[:30]))
    assert estimator.score(X) == estimator.score_samples(X).mean() < 0


@pytest.fixture(scope="module")
def semi(groups):
    return VAEEstimator(**SEMI).fit(groups[0], groups[1])


def test_the_rest_of_a_semi_supervised_model(semi, groups):
    X, y = groups
    assert isinstance(semi.bound_, gv.SemiSupervisedELBO)
    # the mean over the classes
    classes = [semi.transform(X, np.full(150, number)) for number in range(3)]
    wanted = np.einsum("ynd,ny->nd", classes, semi.predict_proba(X))
    np.testing.assert_allclose(semi.transform(X), wanted, atol=1e-4)
    assert np.abs(semi.inverse_transform(semi.transform(X, y), y) - X).mean() < 1.1 * NOISE
    with pytest.raises(TypeError, match="label is missing"):
        semi.inverse_transform(semi.transform(X))
    draws = semi.sample(600, random_state=0)
    assert accuracy_score(np.abs(draws[:, None] - MIDDLES).sum(-1).argmin(1), semi.predict(draws)) > 0.9
    np.testing.assert_allclose(semi.sample(300, 2, random_state=0).mean(axis=0), MIDDLES[2], atol=0.7)
    np.testing.assert_array_equal(VAEEstimator(**SEMI).fit_transform(X, y), semi.transform(X))


def test_labels_that_are_all_missing_have_no_accuracy(semi, groups):
    with pytest.raises(ValueError, match="y has no label that is known"):
        semi.score(groups[0], np.full(150, -1))


def test_conditional_or_semi_supervised(groups):
    with pytest.raises(ValueError, match="of different models: give one of them"):
        VAEEstimator(**SEMI, conditional=True).fit(*groups)


def test_a_table_and_a_series(groups):
    X, y = pd.DataFrame(groups[0], columns=list("abc")), pd.Series(NAMES[groups[1]], dtype="category")
    estimator = VAEEstimator(**{**SEMI, "epochs": 1}).fit(X, y)
    assert list(estimator.classes_) == list(NAMES)


def test_a_search_for_the_accuracy(groups):
    X, y = groups
    pipeline = make_pipeline(StandardScaler(), VAEEstimator(**SEMI))
    grid = {"vaeestimator__epochs": [1, 40]}
    search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=StratifiedKFold(2)).fit(X, y)
    assert search.best_params_ == {"vaeestimator__epochs": 40}
    assert search.best_estimator_.score(X, y) > 0.9


def test_other_models_do_not_predict(groups):
    assert hasattr(VAEEstimator(classifier_layer_sizes=()), "predict")
    for method in ("predict", "predict_proba"):
        assert not hasattr(VAEEstimator(), method)
    with pytest.raises(AttributeError) as raised:
        VAEEstimator(conditional=True).predict(groups[0])
    assert "pass classifier_layer_sizes" in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(6), "y has one class"),
        (np.full(6, -1), "y has one class|labels"),
        (np.arange(6) + 0.5, "Unknown label type: y must be classes"),
        (np.eye(6)[:, :2] + 0.5, "Unknown label type: y must be classes"),
        (np.zeros(5), r"labels must have shape \(N,\) or \(N, C\) for N = 6 rows"),
    ],
    ids=["one class", "none known", "fractions", "rows", "too few"],
)
def test_labels_that_are_no_classes(y, message):
    with pytest.raises(ValueError, match=message):
        VAEEstimator(**SEMI).fit(np.arange(12.0).reshape(6, 2), y)
