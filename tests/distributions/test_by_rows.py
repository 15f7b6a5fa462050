"""Distributions that score values by rows: the same numbers by compiled operators and by MXNet's, of all shapes."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend import log_probs
from gluonvae.backend.runtime import mx
from tests.helpers import nd
from tests.truths.likelihoods import LEVELS, Continuous, Discrete, RoundedLogistics, TiltedUniform

D = 6
KINDS = {
    "Normal": (gv.Normal, lambda m, s: Continuous(scipy.stats.norm(m, s))),
    "Laplace": (gv.Laplace, lambda m, s: Continuous(scipy.stats.laplace(m, s))),
    "DiscretizedLogistic": (
        gv.DiscretizedLogistic,
        lambda m, s: Discrete(RoundedLogistics(np.ones((1, *m.shape)), m[None], s[None]), LEVELS),
    ),
}
SHAPES = {
    "rows of one another": ((3, 4), (4,)),
    "samples of the value": ((4,), (3, 4)),
    "an axis of 1 before": ((3, 4), (1, 4)),
    "each with each": ((3, 1), (1, 4)),
    "an axis of 1 behind": ((3, 4), (3, 1)),
}


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_shapes_of_arrays_broadcast_as_numpys(kind, shapes, rng):
    of_parameters, of_value = SHAPES[shapes]
    make, truth = KINDS[kind]
    mean = rng.random((*of_parameters, D)).astype("float32").astype("float64")
    scale = rng.uniform(0.1, 2, (*of_parameters, D)).astype("float32").astype("float64")
    value = rng.integers(0, 256, (*of_value, D)) / 255
    expected = truth(mean, scale).log_prob(value)
    log_prob = make(nd(mean), nd(scale), by_rows=True).log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(log_prob, expected, rtol=2e-5, atol=2e-4)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("shapes", SHAPES)
def test_shapes_of_continuous_bernoullis_broadcast_as_numpys(shapes, rng):
    of_parameters, of_value = SHAPES[shapes]
    logits = (3 * rng.standard_normal((*of_parameters, D))).astype("float32").astype("float64")
    value = rng.random((*of_value, D)).astype("float32").astype("float64")
    expected = TiltedUniform(logits).logpdf(value).sum(-1)
    log_prob = gv.ContinuousBernoulli(nd(logits)).log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(log_prob, expected, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("name", ["normal", "laplace", "discretized_logistic"])
def test_a_value_without_rows_for_the_parameters_is_an_error(name):
    call = getattr(log_probs, name)
    with pytest.raises(ValueError, match=r"value must have shape \(3, 5\), got \(3, 4\)"):
        call(mx.nd.zeros((3, 5)), mx.nd.ones((3, 5)), mx.nd.zeros((3, 4)))
    graph = call(mx.sym.var("mean"), mx.sym.var("scale"), mx.sym.var("value"))
    shapes = {"mean": (4, 1, 5), "scale": (4, 1, 5), "value": (1, 4, 5)}
    with pytest.raises(mx.base.MXNetError):
        graph.eval(mx.cpu(), **{key: mx.nd.ones(shape) for key, shape in shapes.items()})


def test_a_mixture_of_values_by_rows_is_that_of_its_components(rng):
    """Of two components that are the same, whatever their weights."""
    mean, scale, value = rng.random((3, 4, D)), rng.uniform(0.1, 2, (3, 4, D)), rng.integers(0, 256, (4, D)) / 255
    twice = [nd(np.concatenate([x, x], axis=-1)) for x in (mean, scale)]
    mixture = gv.DiscretizedLogisticMixture(nd(rng.standard_normal((3, 4, 2 * D))), *twice, components=2, by_rows=True)
    expected = RoundedLogistics(np.ones((1, *mean.shape)), mean[None], scale[None]).logpmf(value).sum(-1)
    np.testing.assert_allclose(mixture.log_prob(nd(value)).asnumpy(), expected, rtol=2e-5)
