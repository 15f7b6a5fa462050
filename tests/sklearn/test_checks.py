"""The checks that scikit-learn has for estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gluonvae.sklearn import VAEEstimator

FAST = {"likelihood_samples": 10, "epochs": 3, "generator_layer_sizes": (10,), "infer_layer_sizes": (10,)}
ESTIMATORS = [
    VAEEstimator(**FAST),
    # accurate enough for the checks of classifiers
    VAEEstimator(**{**FAST, "epochs": 30}, learning_rate=0.03, batch_size=100, classifier_layer_sizes=(10,)),
]

NOISE_OF_THE_ROW = "score_samples is an estimate, whose noise is that of the row's number"


def do_not_apply(estimator):
    """The checks that do not apply, and why."""
    noisy = dict.fromkeys(
        ("check_methods_sample_order_invariance", "check_methods_subset_invariance"), NOISE_OF_THE_ROW
    )
    if estimator.classifier_layer_sizes is None:
        return noisy
    return {**noisy, "check_classifiers_classes": "it has the classes -1 and 1, and -1 is a class that is not known"}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=do_not_apply)
def test_check(estimator, check):
    check(estimator)
