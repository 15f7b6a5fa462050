"""The bound on the likelihood of what is observed: by hand, and refused where nothing may be missing."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from tests.helpers import MODES, nd64, set_mode, small_vae
from tests.helpers.missing import with_holes
from tests.truths.missing import Truth


@pytest.mark.parametrize("samples", [1, 6])
def test_it_is_the_log_mean_of_the_weights(samples, rng):
    truth = Truth(rng, 5, 2)
    data = with_holes(rng, truth.draw(rng, 7), 0.4)
    bound = gv.ObservedIWAE(truth.model(dtype="float64"), samples=samples)
    # the posterior is the prior
    z = rng.standard_normal((samples, 7, 2))
    wanted = scipy.special.logsumexp(truth.log_likelihood(data, z), axis=0) - np.log(samples)
    for mode in MODES:
        set_mode(bound, mode)
        got = bound(nd64(data), nd64(z if samples > 1 else z[0])).asnumpy()
        np.testing.assert_allclose(got, wanted, rtol=1e-7)


def test_it_rises_with_the_samples_towards_the_evidence(rng):
    truth = Truth(rng, 5, 2)
    data = with_holes(rng, truth.draw(rng, 200), 0.5)
    vae = truth.model()
    bounds = [gv.evaluate(gv.ObservedIWAE(vae, samples=k), data).bound for k in (1, 10, 1000)]
    evidence = truth.log_evidence(data).mean()
    assert bounds[0] + 0.5 < bounds[1] < bounds[2] < evidence + 0.02
    assert bounds[2] > evidence - 0.05


def test_a_model_without_missing_values_is_refused():
    with pytest.raises(ValueError, match=r"ObservedIWAE is of data with missing values, .*: use IWAE, or make"):
        gv.ObservedIWAE(small_vae())
