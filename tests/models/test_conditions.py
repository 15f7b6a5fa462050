"""Labels that are conditions: any numbers, one or several of a data point."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import Dataset
from tests.helpers import MODES, nd, noise_for, pixels, set_mode, small_vae


def images(rng, count=40):
    return rng.integers(0, 2, (count, 12)).astype(np.float32)


# name: (label_size, what draws conditions of N data points)
CONDITIONS = {
    "rows": (2, lambda rng, count: rng.standard_normal((count, 2))),
    "one column": (1, lambda rng, count: rng.standard_normal((count, 1))),
    "one number each": (1, lambda rng, count: rng.standard_normal(count)),
    "one whole number each": (1, lambda rng, count: rng.integers(-3, 9, count)),
}
every_condition = pytest.mark.parametrize(("size", "draw"), CONDITIONS.values(), ids=list(CONDITIONS))


@every_condition
@pytest.mark.parametrize("mode", MODES)
def test_a_condition_is_what_the_networks_see(size, draw, mode, rng):
    vae, label = small_vae(label_size=size), draw(rng, 7)
    bound = gv.IWAE(vae, samples=3)
    data, noise = pixels(rng, 7), noise_for(rng, bound, 7)
    wanted = gv.IWAE(vae, samples=3)(data, noise, nd(np.reshape(label, (7, size)))).asnumpy()
    set_mode(bound, mode)
    np.testing.assert_allclose(bound(data, noise, label).asnumpy(), wanted, rtol=1e-5)
    np.testing.assert_allclose(bound(data, noise, nd(label)).asnumpy(), wanted, rtol=1e-5)
    assert abs(bound(data, noise, -label - 1).asnumpy() - wanted).max() > 1e-3


@every_condition
def test_fit_evaluate_and_the_likelihood_take_conditions(size, draw, rng):
    vae, data = small_vae(label_size=size), images(rng)
    label = draw(rng, len(data))
    bound, labelled = gv.ELBO(vae), Dataset(data, labels=label)
    gv.fit(bound, labelled, labelled, epochs=2, batch_size=8, progress=False)
    per_image = bound(nd(data), label=label).asnumpy()
    estimate = gv.evaluate(bound, labelled, seed=1)
    assert estimate.bound == pytest.approx(per_image.mean(), abs=5 * estimate.standard_error)
    marginal = gv.log_marginal_likelihood(vae, labelled, samples=50)
    assert marginal.mean > estimate.bound
    # others, and the estimates are others
    other = Dataset(data, labels=-label - 1)
    assert gv.evaluate(bound, other, seed=1).bound != estimate.bound
    assert gv.log_marginal_likelihood(vae, other, samples=50).mean != marginal.mean


@pytest.mark.parametrize(("size", "one", "each"), [(1, 0.5, [[0.5]] * 3), (2, [0.1, -2.5], [[0.1, -2.5]] * 3)])
def test_one_condition_for_all_images(size, one, each):
    vae = small_vae(label_size=size)
    noise = nd(np.ones((3, 4)))
    for_all, for_each = (vae.phantasize(3, "mean", noise, label).asnumpy() for label in (one, each))
    np.testing.assert_array_equal(for_all, for_each)
    assert (for_all == for_all[0]).all()
    assert abs(vae.phantasize(3, "mean", noise, np.negative(each)).asnumpy() - for_all).max() > 1e-4


def test_numbers_that_are_no_class_of_several_are_refused(rng):
    vae = small_vae(label_size=2)
    with pytest.raises(
        ValueError, match=r"whole numbers from 0 to 1, got float64 .*: conditions are rows of 2 numbers"
    ):
        gv.fit(gv.ELBO(vae), Dataset(images(rng), labels=rng.standard_normal(40)), progress=False)
    with pytest.raises(ValueError, match=r"images of 12 values each, got 40 of 14"):
        gv.fit(gv.ELBO(vae), np.hstack([images(rng), rng.standard_normal((40, 2))]), progress=False)


def test_the_unlabelled_model_takes_two_inputs(rng):
    vae = small_vae()
    bound = gv.ELBO(vae)
    with pytest.raises(TypeError, match="GaussianVAE takes no label"):
        bound(pixels(rng, 3), label=[0, 1, 2])
    bound.hybridize()
    bound(pixels(rng, 3))
    (graph,) = [block._cached_graph for block in (bound,)]
    assert len(graph[0]) == 2


@pytest.mark.parametrize("label", [None, [0, -1, 2, -1, 1]])
def test_images_of_a_semi_supervised_model_whose_label_is_missing_are_of_any_class(label):
    vae = small_vae(label_size=3, classifier_layer_sizes=[5])
    assert vae.phantasize(5, label=label).shape == (5, 12)
