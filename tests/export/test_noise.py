"""Noise that a graph draws itself: of the right distribution, anew at each call."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae import export
from gluonvae.distributions import Family
from tests.helpers import small_vae
from tests.helpers.exports import RUNTIMES
from tests.tables import parts

every_runtime = pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)


def pictures(rng, batch=500, size=12):
    return rng.integers(0, 2, (batch, size)).astype(np.float32)


@every_runtime
def test_latent_states_are_draws_from_the_posterior(runtime, rng, tmp_path):
    vae = small_vae()
    graph, data = export.whole(vae, noise="drawn"), pictures(rng)
    assert list(graph.inputs) == ["data"]
    run, parameters = runtime(graph, tmp_path), runtime(export.encoder(vae), tmp_path)(data=data)
    one, other = run(data=data)["latent"], run(data=data)["latent"]
    assert not np.isclose(one, other).any(axis=1).all()
    for latent in (one, other):
        standardised = (latent - parameters["mean"]) / parameters["std"]
        assert scipy.stats.kstest(standardised.ravel(), "norm").pvalue > 1e-4
        # of each variable and data point its own
        assert abs(np.corrcoef(standardised.T) - np.eye(4)).max() < 0.25


class LaplaceFamily(Family):
    distribution_type = gv.Laplace

    @property
    def heads(self):
        return {"mean": self.size, "scale": self.size}

    def parameters(self, mean, scale):
        return mean, 0.5 + 0 * scale


class LaplacePosterior(gv.inference.FamilyInferenceNetwork):
    family_type = LaplaceFamily


@every_runtime
def test_uniform_noise(runtime, rng, tmp_path):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), LaplacePosterior(4, [5]))
    vae.initialize()
    data = pictures(rng)
    mean = runtime(export.encoder(vae), tmp_path)(data=data)["mean"]
    latent = runtime(export.whole(vae, noise="drawn"), tmp_path)(data=data)["latent"]
    assert scipy.stats.kstest(((latent - mean) / 0.5).ravel(), "laplace").pvalue > 1e-4


@every_runtime
@pytest.mark.parametrize("posterior", ["planar", "hierarchical"])
def test_an_encoder_that_draws(posterior, runtime, rng, tmp_path):
    vae = parts.model(posterior=posterior, prior=parts.FIRST_FITTING[posterior])
    graph = export.encoder(vae, noise="drawn")
    assert (list(graph.inputs), list(graph.outputs)) == (["data"], ["latent"])
    run, data = runtime(graph, tmp_path), pictures(rng, 3, 18)
    draws = [run(data=np.repeat(data, 300, axis=0))["latent"] for _ in range(2)]
    # two calls draw from one distribution, but not the same numbers
    assert not np.isclose(*draws).any(axis=1).all()
    for one, other in zip(*(of.reshape(3, 300, -1) for of in draws)):
        for column in range(one.shape[1]):
            assert scipy.stats.ks_2samp(one[:, column], other[:, column]).pvalue > 1e-4


@every_runtime
def test_samples_of_a_bound_have_noise_of_their_own(runtime, rng, tmp_path):
    """With 50 samples the bound is, on average over data, above that with one."""
    vae, data = small_vae(), pictures(rng, 300)
    bounds = [
        runtime(export.bound(gv.IWAE(vae, samples=samples), noise="drawn"), tmp_path)(data=data)["bound"].mean()
        for samples in (1, 50)
    ]
    assert bounds[0] < bounds[1]


@every_runtime
def test_a_codebook_takes_no_noise(runtime, rng, tmp_path):
    vae = parts.model(posterior="vector_quantized", prior="codebook")
    graph = export.whole(vae)
    assert list(graph.inputs) == ["data"]
    run, data = runtime(graph, tmp_path), pictures(rng, 5, 18)
    np.testing.assert_array_equal(run(data=data)["latent"], run(data=data)["latent"])
