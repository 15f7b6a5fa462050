"""A VAE as an estimator of scikit-learn."""

import copy
import inspect
import pickle
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import scipy.stats
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler

import gluonvae as gv
from gluonvae.sklearn import VAEEstimator
from tests.helpers import nd

FAST = {
    "generator_layer_sizes": (8,),
    "infer_layer_sizes": (8,),
    "epochs": 2,
    "likelihood_samples": 20,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(iris):
    return VAEEstimator(**FAST).fit(iris[0])


def parameters(estimator):
    return [parameter.data().asnumpy() for parameter in estimator.vae_.collect_params().values()]


def same(first, second):
    return all(np.array_equal(one, other) for one, other in zip(parameters(first), parameters(second)))


def test_latent_states_are_means_of_the_posterior(fitted, iris):
    mean, _ = fitted.vae_.inference_net(nd(iris[0]))
    np.testing.assert_allclose(fitted.transform(iris[0]), mean.asnumpy(), rtol=1e-4, atol=1e-5)


def test_rows_do_not_see_each_other(fitted, iris):
    order = np.random.default_rng(0).permutation(150)
    np.testing.assert_allclose(fitted.transform(iris[0][order]), fitted.transform(iris[0])[order], atol=1e-6)
    np.testing.assert_allclose(fitted.transform(iris[0][7:8]), fitted.transform(iris[0])[7:8], atol=1e-6)


def test_inverse_transform_is_the_mean_of_the_likelihood(fitted):
    latent = np.random.default_rng(0).normal(size=(5, 2))
    mean, _ = fitted.vae_.generator(nd(latent))
    np.testing.assert_allclose(fitted.inverse_transform(latent), mean.asnumpy(), rtol=1e-5)
    np.testing.assert_array_equal(fitted.inverse_transform(pd.DataFrame(latent)), fitted.inverse_transform(latent))


LINEAR = {
    "latent_variable_size": 1,
    "generator_layer_sizes": (),
    "infer_layer_sizes": (),
    "likelihood_options": {"std": "learned", "standardize": False},
    "random_state": 0,
}
SLOWING = gv.schedules.cosine(0.03, 1e-4, 800)


@pytest.fixture(scope="module")
def plane():
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 1)) @ [[2.0, -1.0, 0.5]] + 0.5 * rng.normal(size=(400, 3)) + [1.0, 0.0, -1.0]


def test_a_linear_model_finds_probabilistic_pca(plane):
    """Its maximum likelihood, which scikit-learn has in closed form (Tipping and Bishop 1999; Lucas et al. 2019)."""
    estimator = VAEEstimator(**LINEAR, epochs=200, batch_size=100, learning_rate=SLOWING).fit(plane)
    exact = PCA(1).fit(plane)
    np.testing.assert_allclose(estimator.score_samples(plane), exact.score_samples(plane), atol=0.15)
    assert estimator.score(plane) == pytest.approx(exact.score(plane), abs=0.02)
    error = np.abs(estimator.inverse_transform(estimator.transform(plane)) - plane).mean()
    assert error < 1.1 * np.abs(exact.inverse_transform(exact.transform(plane)) - plane).mean()


def test_draws_have_the_density(plane):
    """Mean and covariance of a linear model, x = b + W z + s e."""
    estimator = VAEEstimator(**LINEAR, epochs=20, learning_rate=0.02).fit(plane)
    zero, one = estimator.inverse_transform([[0.0], [1.0]]).astype(np.float64)
    _, std = estimator.vae_.generator(nd([[0.0]]))
    covariance = np.outer(one - zero, one - zero) + np.diag(std.asnumpy().ravel().astype(np.float64) ** 2)
    draws = estimator.sample(20_000, random_state=1)
    np.testing.assert_allclose(draws.mean(axis=0), zero, atol=5 * np.sqrt(covariance.max() / 20_000))
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.05 * covariance.max())
    estimator.set_params(likelihood_samples=2000)
    exact = scipy.stats.multivariate_normal(zero, covariance).logpdf(plane[:20])
    np.testing.assert_allclose(estimator.score_samples(plane[:20]), exact, atol=0.1)


def test_the_score_is_the_mean(fitted, iris):
    assert fitted.score(iris[0]) == pytest.approx(fitted.score_samples(iris[0]).mean())


def test_a_pipeline(iris):
    pipeline = make_pipeline(StandardScaler(), VAEEstimator(**FAST))
    codes = pipeline.fit_transform(iris[0])
    assert codes.shape == (150, 2)
    back = pipeline.inverse_transform(codes)
    np.testing.assert_allclose(back, pipeline[0].inverse_transform(pipeline[1].inverse_transform(codes)), rtol=1e-6)
    scaled = StandardScaler().fit_transform(iris[0])
    np.testing.assert_array_equal(codes, VAEEstimator(**FAST).fit(scaled).transform(scaled))


def test_a_grid_search_in_two_processes_finds_what_one_finds(iris):
    pipeline = make_pipeline(StandardScaler(), VAEEstimator(**FAST))
    grid = {"vaeestimator__epochs": [1, 30]}
    searches = [GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs).fit(iris[0]) for n_jobs in (1, 2)]
    one, two = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(one, two)
    assert one[1] > one[0]
    assert searches[1].best_params_ == {"vaeestimator__epochs": 30}


def test_cross_validation(iris):
    scores = cross_val_score(VAEEstimator(**FAST), iris[0], cv=2)
    halves = iris[0][:75], iris[0][75:]
    wanted = [VAEEstimator(**FAST).fit(halves[i]).score(halves[1 - i]) for i in (1, 0)]
    np.testing.assert_allclose(scores, wanted)


@pytest.mark.parametrize(
    "copied", [lambda of: pickle.loads(pickle.dumps(of)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
def test_copies(copied, fitted, iris):
    other = copied(fitted)
    assert other.vae_ is not fitted.vae_
    np.testing.assert_array_equal(other.transform(iris[0]), fitted.transform(iris[0]))
    np.testing.assert_array_equal(other.score_samples(iris[0]), fitted.score_samples(iris[0]))
    assert other.history_["train_bound"] == fitted.history_["train_bound"]


def test_clone_has_the_arguments_alone(fitted):
    other = clone(fitted)
    assert other.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        other.sample()


def test_pandas(iris):
    table = load_iris(as_frame=True).data.set_index(np.arange(150) + 1000)
    estimator = VAEEstimator(**FAST).set_output(transform="pandas").fit(table)
    codes = estimator.transform(table)
    assert list(codes.columns) == list(estimator.get_feature_names_out()) == ["vaeestimator0", "vaeestimator1"]
    assert list(codes.index) == list(table.index)
    np.testing.assert_array_equal(codes.to_numpy(), VAEEstimator(**FAST).fit(iris[0]).transform(iris[0]))
    assert list(estimator.feature_names_in_) == list(table.columns)
    with pytest.raises(ValueError, match="feature names"):
        estimator.transform(table.rename(columns=str.upper))


def test_sparse_data(iris):
    counts = (iris[0] > 3).astype(float)
    options = {**FAST, "likelihood": "bernoulliProd"}
    dense = VAEEstimator(**options).fit(counts)
    sparse = VAEEstimator(**options).fit(scipy.sparse.csc_matrix(counts))
    assert same(dense, sparse)
    np.testing.assert_array_equal(sparse.score_samples(scipy.sparse.csr_matrix(counts)), dense.score_samples(counts))


def test_missing_values(iris):
    holes = iris[0].copy()
    holes[np.random.default_rng(0).random(holes.shape) < 0.2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        VAEEstimator(**FAST).fit(holes)
    estimator = VAEEstimator(**FAST, likelihood_options={"missing": True}).fit(holes)
    assert np.isfinite(estimator.transform(holes)).all()
    assert estimator.vae_.generator.standardization is not None
    # what is missing is integrated out: log p of one column is that of a model of it alone
    alone = np.where(np.arange(4) == 2, iris[0], np.nan)
    estimator.set_params(likelihood_samples=3000)
    grid = np.full((400, 4), np.nan)
    grid[:, 2] = np.linspace(-8, 16, 400)
    assert np.exp(estimator.score_samples(grid)).sum() * 24 / 399 == pytest.approx(1, abs=0.02)
    assert (estimator.score_samples(alone) > estimator.score_samples(iris[0]) - 20).all()


def test_random_state_repeats_and_leaves_the_users_seed_alone(iris):
    def drawn(fit):
        gv.seed(5)
        estimator = fit and VAEEstimator(**FAST).fit(iris[0])
        return estimator, gv.noise.source.normal((3,)).asnumpy(), np.random.random(3)

    (first, *with_fit), (_, *without) = drawn(True), drawn(False)
    np.testing.assert_array_equal(with_fit, without)
    gv.seed(6)
    assert same(first, VAEEstimator(**FAST).fit(iris[0]))
    assert same(first, VAEEstimator(**{**FAST, "random_state": np.random.RandomState(0)}).fit(iris[0]))
    assert not same(first, VAEEstimator(**{**FAST, "random_state": 1}).fit(iris[0]))
    # as in scikit-learn, None is NumPy's global generator
    gv.seed(6)
    unseeded = VAEEstimator(**{**FAST, "random_state": None})
    fits = [clone(unseeded).fit(iris[0]) for _ in range(2)]
    assert not same(*fits)
    gv.seed(6)
    assert same(fits[0], clone(unseeded).fit(iris[0]))


def test_samples_are_repeatable(fitted):
    np.testing.assert_array_equal(fitted.sample(4, random_state=2), fitted.sample(4, random_state=2))
    assert not np.array_equal(fitted.sample(4), fitted.sample(4))
    assert fitted.sample().shape == (1, 4)


def test_warm_start_goes_on(iris):
    estimator = VAEEstimator(**{**FAST, "epochs": 10}, warm_start=True).fit(iris[0])
    vae, bound = estimator.vae_, estimator.history_["train_bound"]
    estimator.fit(iris[0])
    assert estimator.vae_ is vae
    assert estimator.history_["train_bound"][0] > bound[-1] - 0.5 > bound[0]
    estimator.set_params(warm_start=False).fit(iris[0])
    assert estimator.vae_ is not vae


def test_arguments_are_those_of_the_library():
    own = inspect.signature(VAEEstimator).parameters
    model = inspect.signature(gv.construct_vae).parameters
    assert set(model) - set(own) == {"data_dims", "label_size"}
    assert {"epochs", "optimizer", "learning_rate", "batch_size"} <= set(own) & set(
        inspect.signature(gv.fit).parameters
    )


def test_a_model_of_other_parts(iris):
    estimator = VAEEstimator(
        likelihood="laplace",
        latent_type="real_nvp",
        latent_variable_size=3,
        generator_layer_sizes=[6, 7],
        infer_layer_sizes=[5],
        generator_act_type="relu",
        infer_act_type="softrelu",
        prior="mixture",
        latent_options={"flow_length": 2, "hidden_sizes": [4]},
        prior_options={"components": 4},
        bound="iwae",
        bound_options={"samples": 5},
        epochs=1,
        batch_size=1000,
        optimizer="sgd",
        learning_rate=lambda step: 1e-4,
        likelihood_samples=10,
    ).fit(iris[0])
    vae, bound = estimator.vae_, estimator.bound_
    kinds = gv.LaplaceGenerator, gv.RealNVPInferenceNetwork, gv.MixturePrior, gv.IWAE
    assert tuple(map(type, (vae.generator, vae.inference_net, vae.prior, bound))) == kinds
    assert (bound.samples, vae.prior.components) == (5, 4)
    assert vae.made_with["likelihood_options"] == {"scale": "per_feature", "standardize": True}
    assert (vae.made_with["generator_layer_sizes"], vae.made_with["infer_layer_sizes"]) == ([6, 7], [5])
    assert (vae.made_with["generator_act_type"], vae.made_with["infer_act_type"]) == ("relu", "softrelu")
    assert estimator.history_["learning_rate"] == [1e-4]
    assert estimator.transform(iris[0]).shape == (150, 3)
    # the mean is estimated, of the same draws each time
    np.testing.assert_array_equal(estimator.transform(iris[0]), estimator.transform(iris[0]))


def test_images():
    X = Binarizer(threshold=7).fit_transform(load_digits().data[:60])
    bodies = {"generator_body": "conv", "infer_body": "conv", "generator_layer_sizes": [4], "infer_layer_sizes": [4]}
    options = {"generator_body_options": {"batch_norm": True}, "infer_body_options": {"batch_norm": True}}
    estimator = VAEEstimator("bernoulli_prod", data_shape=(8, 8), epochs=1, **bodies, **options).fit(X)
    assert any("batchnorm" in name for name in estimator.vae_.inference_net.collect_params())
    assert any("batchnorm" in name for name in estimator.vae_.generator.collect_params())
    assert estimator.inverse_transform(estimator.transform(X)).shape == (60, 64)


def test_a_bound_learns_how_many_rows_there_are(iris):
    estimator = VAEEstimator(**FAST, bound="beta_tc").fit(iris[0])
    assert estimator.bound_.log_size == pytest.approx(np.log(150))


def test_a_codebook(iris):
    options = {"latent_type": "vector_quantized", "prior": "codebook", "bound": "vq"}
    latent = {"latent_options": {"codes": 5, "code_size": 2}, "latent_variable_size": 4}
    estimator = VAEEstimator(**FAST, **options, **latent).fit(iris[0])
    assert np.isfinite(estimator.score(iris[0]))
    assert estimator.transform(iris[0]).shape == (150, 4)


def test_constant_columns_and_a_single_row():
    estimator = VAEEstimator(**FAST)
    X = np.column_stack([np.arange(6.0), np.full(6, 3.0)])
    assert np.isfinite(estimator.fit(X).score(X))
    assert estimator.fit(X[:1]).transform(X).shape == (6, 2)


def test_a_progress_bar_where_asked(iris, capsys):
    VAEEstimator(**FAST).fit(iris[0])
    assert capsys.readouterr().err == ""
    VAEEstimator(**FAST, verbose=True).fit(iris[0])
    assert "300/300" in capsys.readouterr().err


def test_ctrl_c_ends_a_search_and_keeps_what_was_learnt(iris):
    def rate(step):
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        return 1e-3

    estimator = VAEEstimator(**{**FAST, "epochs": 1000}, learning_rate=rate)
    with pytest.raises(KeyboardInterrupt, match="what was learnt is kept"):
        estimator.fit(iris[0])
    assert estimator.history_.interrupted
    assert estimator.transform(iris[0]).shape == (150, 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"likelihood": "gausian"}, ValueError, "likelihood must be one of .*did you mean 'gaussian'"),
        ({"latent_variable_size": 0}, ValueError, "latent_variable_size must be positive, got 0"),
        ({"bound": "elbow"}, ValueError, "bound must be one of .*did you mean 'elbo'"),
        ({"batch_size": 0}, ValueError, "batch_size must be positive, got 0"),
        ({"warm_start": "no"}, TypeError, "warm_start must be True or False, got 'no'"),
        ({"conditional": "no"}, TypeError, "conditional must be True or False, got 'no'"),
        ({"likelihood": "poisson"}, ValueError, "X must be counts 0, 1, 2, ... for .*use Gaussian"),
    ],
)
def test_errors(options, error, message, iris):
    with pytest.raises(error, match=message):
        VAEEstimator(**{**FAST, **options}).fit(iris[0])


def test_it_is_a_density_and_a_transformer():
    assert not is_classifier(VAEEstimator())
    assert is_classifier(VAEEstimator(classifier_layer_sizes=()))
    tags = VAEEstimator(likelihood_options={"missing": True}).__sklearn_tags__()
    assert tags.input_tags.allow_nan
    assert tags.transformer_tags is not None
    assert tags.estimator_type == "density_estimator"


def test_without_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import gluonvae\n"
        "try: gluonvae.sklearn\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "gluonvae.sklearn needs scikit-learn 1.6 or later: pip install 'gluonvae[sklearn]'"


def test_it_is_an_attribute_of_the_library():
    assert gv.sklearn.VAEEstimator is VAEEstimator
