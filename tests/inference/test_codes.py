"""Every posterior of codes in the table: draws, scores and evidence against enumeration."""

import numpy as np
import pytest
import scipy.special
from scipy.special import logsumexp, softmax

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.inference.discrete import CodeFamily
from tests.helpers import learned, nd
from tests.tables.codes import EXACT, POSTERIORS, RELAXED, STRAIGHT, every_posterior, model
from tests.truths import codes
from tests.truths.codes import truths


def test_the_table_has_every_posterior_of_codes():
    kinds = {name for name, kind in gv.inference.POSTERIORS.items() if issubclass(kind.family_type, CodeFamily)}
    assert {latent_type for latent_type, _ in POSTERIORS.values()} == kinds


@every_posterior
@pytest.mark.parametrize("temperature", [0.01, 2.0])
def test_the_largest_of_a_draw_is_one_with_its_probability(name, temperature, rng):
    """And the draw, as the generator is given it, tends to a code as the temperature falls."""
    vae = model(name, rng)
    if name not in EXACT:
        vae.inference_net.family.temperature = temperature
    data, draws = nd(rng.integers(0, 2, (1, 12)), "float64"), 20_000
    q = vae.inference_net.posterior(data)
    latent_state = q.sample(nd(rng.standard_normal((draws, 1, 6)), "float64"))
    given = vae.prior.generator_latent(latent_state).asnumpy().reshape(draws, 6)
    logits = vae.inference_net(data)[0].asnumpy()[0]
    if codes.is_binary(vae):
        ones, wanted = given > 0.5, scipy.special.expit(logits)
    else:
        np.testing.assert_allclose(given.reshape(-1, 3).sum(-1), 1, rtol=1e-12)
        blocks = given.reshape(draws, 2, 3)
        ones = (blocks == blocks.max(-1, keepdims=True)).reshape(draws, 6)
        wanted = softmax(logits.reshape(2, 3), axis=-1).reshape(6)
    error = np.sqrt(wanted * (1 - wanted) / draws)
    assert (abs(ones.mean(0) - wanted) < 4 * error).all()
    away = np.minimum(given, 1 - given)
    if name not in RELAXED:
        assert away.max() == 0
    else:
        assert away.mean() < 0.01 if temperature == 0.01 else away.mean() > 0.1


@every_posterior
def test_sample_and_score_together_is_sample_then_score(name, rng):
    vae = model(name, rng)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((3, 7, 6)), "float64")
    direction, weights = nd(rng.standard_normal((3, 7, 6)), "float64"), nd(rng.standard_normal((3, 7)), "float64")

    def results(score):
        with mx.autograd.record():
            z, log_prob = score(vae.inference_net.posterior(data))
            ((direction * z).sum(axis=-1) + weights * log_prob).backward()
        return [z.asnumpy(), log_prob.asnumpy(), *(p.grad().asnumpy() for p in learned(vae.inference_net))]

    together = results(lambda q: q.rsample_and_log_prob(noise))
    apart = results(lambda q: (q.rsample(noise), q.log_prob(q.rsample(noise))))
    for one, two in zip(together, apart):
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-7 * abs(two).max())


@pytest.mark.parametrize("name", [*EXACT, *STRAIGHT])
def test_evidence_by_importance_sampling_is_that_by_enumeration(name, rng):
    vae, data = model(name, rng, 3), rng.integers(0, 2, (7, 12))
    log_q, log_likelihood, log_prior = truths(vae, data)
    evidence, draws = logsumexp(log_likelihood + log_prior, axis=-1), 20_000
    relative = np.sqrt((np.exp(2 * (log_likelihood + log_prior) - log_q)).sum(-1) / np.exp(2 * evidence) - 1)
    estimate = gv.log_marginal_likelihood(vae, data, samples=draws).log_likelihood
    assert (abs(estimate - evidence) < 4 * relative / np.sqrt(draws)).all()


@pytest.mark.parametrize("name", STRAIGHT)
def test_straight_through_has_the_bound_of_discrete_codes(name, rng):
    vae, data, noise = model(name, rng), rng.integers(0, 2, (7, 12)), rng.standard_normal((7, 6))
    discrete = model({"relaxed_bernoulli": "bernoulli", "relaxed_one_hot": "categorical"}[name.split(",")[0]], rng)
    for to, of in zip(learned(discrete), learned(vae)):
        to.set_data(of.data())
    arguments = nd(data, "float64"), nd(noise, "float64")
    np.testing.assert_allclose(gv.ELBO(vae)(*arguments).asnumpy(), gv.NVIL(discrete)(*arguments).asnumpy(), rtol=1e-9)
