"""Every learned prior in a bound: both modes, gradients, extremes, chunks, training."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base as objective
from tests.helpers import assert_modes_agree, draw, nd, pixels, small_digits, value_and_gradients
from tests.tables.priors import LEARNED, PRIORS, distribution, vae_with, values

BOUNDS = {
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, sticking the landing": lambda vae: gv.ELBO(vae, samples=3, gradient="stl"),
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
    "IWAE, sticking the landing": lambda vae: gv.IWAE(vae, samples=3, gradient="stl"),
    "IWAE, doubly reparametrised": lambda vae: gv.IWAE(vae, samples=3, gradient="dreg"),
}


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("name", LEARNED)
def test_modes_agree(name, bound, rng):
    assert_modes_agree(BOUNDS[bound](vae_with(name, rng)), rng)


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_are_those_of_finite_differences(name, rng):
    vae = vae_with(name, rng)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((3, 7, 4)), "float64")
    with mx.autograd.record():
        total = bound(data, noise).sum()
    total.backward()
    # those of the prior's own, and of the network that a prior may be made of
    for parameter in [*vae.prior.collect_params().values(), vae.inference_net.body[0].weight]:
        point, direction = values(parameter), rng.standard_normal(parameter.shape)
        sums = []
        for step in (1e-5, -1e-5):
            parameter.set_data(nd(point + step * direction, "float64"))
            sums.append(float(bound(data, noise).sum().asscalar()))
        parameter.set_data(nd(point, "float64"))
        slope = (parameter.grad().asnumpy() * direction).sum()
        assert slope == pytest.approx((sums[0] - sums[1]) / 2e-5, rel=1e-6, abs=1e-6)
    for parameter in vae.prior.collect_params().values():
        assert (parameter.grad().asnumpy() != 0).all()


@pytest.mark.parametrize("extreme", [-200, -20, 20, 200])
@pytest.mark.parametrize("name", LEARNED)
def test_everything_is_finite_at_extreme_parameters(name, extreme, rng):
    """Of the prior, of the posterior, and of both."""
    for at in (["prior"], ["std_head"], ["mean_head"], ["prior", "std_head", "mean_head"]):
        vae = vae_with(name, rng)
        blocks = {"prior": vae.prior, **{half: getattr(vae.inference_net, half) for half in at if half != "prior"}}
        for part in at:
            for parameter in blocks[part].collect_params().values():
                parameter.set_data(mx.nd.full(parameter.shape, extreme if "weight" not in parameter.name else 0))
        for bound in (gv.ELBO(vae), gv.IWAE(vae, samples=3)):
            with mx.autograd.record():
                value = bound(pixels(rng, 7))
            value.backward()
            assert np.isfinite(value.asnumpy()).all(), at
            for parameter in vae.collect_params().values():
                assert np.isfinite(parameter.grad().asnumpy()).all(), (at, parameter.name)
        assert np.isfinite(distribution(vae).sample(draw(rng, vae.prior.noise, (7,))).asnumpy()).all()


@pytest.mark.parametrize("name", LEARNED)
def test_trains_on_digits(name):
    """And every number of the prior moves."""
    vae = small_digits(prior=name, prior_options=PRIORS[name][0])
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train = gv.data.load("digits").train.subset(slice(1000))
    before = gv.evaluate(bound, train).bound
    start = {name: values(p) for name, p in vae.prior.collect_params().items()}
    gv.fit(bound, train, epochs=4, batch_size=100, learning_rate=0.005, progress=False)
    assert gv.evaluate(bound, train).bound > before + 200
    for parameter, before in start.items():
        assert (values(vae.prior.collect_params()[parameter]) != before).mean() > 0.9, parameter


@pytest.mark.parametrize("name", LEARNED)
def test_samples_are_taken_in_chunks_as_the_prior_needs_memory(name, rng, monkeypatch):
    """A mixture has the D numbers of every component for each sample, which may be more than pixels."""
    vae = vae_with(name, rng)
    assert vae.floats_per_sample == {"vamp": 5 * 4}.get(name, 12)
    bound = gv.IWAE(vae, samples=6)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((6, 7, 4)))
    whole, in_chunks, chunks = value_and_gradients(bound, (data, noise))[0], objective.in_chunks, []

    def spy(*arguments):
        chunks.append(arguments[-1])
        return in_chunks(*arguments)

    monkeypatch.setattr(objective, "in_chunks", spy)
    monkeypatch.setattr(objective, "FLOATS_AT_ONCE", 2 * 7 * vae.floats_per_sample)
    np.testing.assert_allclose(bound(data, noise).asnumpy(), whole, rtol=1e-5)
    assert chunks == [2]
    expected = gv.log_marginal_likelihood(vae, data, samples=30).log_likelihood
    np.testing.assert_allclose(
        gv.log_marginal_likelihood(vae, data, samples=30, memory=0.01).log_likelihood, expected, rtol=1e-5
    )
