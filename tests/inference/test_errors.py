"""Posteriors that cannot be are refused, saying what was given and what was wanted."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd, small_vae
from tests.tables.posteriors import vae_of

ERRORS = {
    "one variable": (
        lambda: gv.RealNVPInferenceNetwork(1, [5]),
        ValueError,
        "a coupling moves half of the latent variables: it needs 2 or more, got 1",
    ),
    "flow length": (lambda: gv.PlanarInferenceNetwork(4, [5], flow_length=0), ValueError, "flow_length must be pos"),
    "context": (lambda: gv.RadialInferenceNetwork(4, [5], context_size=0), ValueError, "context_size must be positive"),
    "rank": (lambda: gv.LowRankInferenceNetwork(4, [5], rank=0), ValueError, "rank must be positive, got 0"),
    "bins": (lambda: gv.SplineInferenceNetwork(4, [5], bins=1), ValueError, "bins must be 2 or more"),
    "std": (lambda: gv.IAFInferenceNetwork(4, [5], std="sotfplus"), ValueError, "did you mean 'softplus'"),
    "hidden sizes": (lambda: gv.IAFInferenceNetwork(4, [5], hidden_sizes=5), TypeError, "hidden_sizes must be a list"),
    "an option of another": (
        lambda: small_vae(latent_type="planar", latent_options={"bins": 4}),
        ValueError,
        "an option of the latent_type 'planar' must be one of .*flow_length",
    ),
    "noise of a low rank": (
        lambda: vae_of("low_rank")(nd(np.ones((7, 12))), nd(np.ones((7, 4)))),
        ValueError,
        r"noise must have shape \(\.\.\., 7, 6\), got \(7, 4\)",
    ),
    "a closed form of a flow": (
        lambda: gv.ELBO(vae_of("planar"), kl="closed"),
        ValueError,
        r"KL\(Transformed \|\| StandardNormal\), of PlanarInferenceNetwork and StandardNormalPrior, has no closed form",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
