"""A user's own bound: in both modes, by Gluon's hooks, in fit, evaluate and the command."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from tests.helpers import assert_modes_agree, learned, nd, noise_for, pixels, small_vae
from tests.helpers.commands import SMALL


class OwnTerms(NamedTuple):
    log_likelihood: Any
    kl: Any


class OwnBound(gv.Objective):
    """The evidence lower bound with a sampled KL, of a weight that changes."""

    strength = gv.Weight()

    def __init__(self, vae, strength=1.0, samples=1):
        super().__init__(vae, samples)
        self.strength = strength

    def sampled_terms(self, F, x, noise):
        q, p = self.posterior(x), self.prior(x)
        z = q.rsample(noise)
        return OwnTerms(self.log_likelihood(x, z), q.log_prob(z) - p.log_prob(z))

    def combine(self, F, terms, weights):
        log_likelihood, kl = self.sample_mean(terms)
        return gv.Terms(log_likelihood - F.broadcast_mul(kl, weights.strength), log_likelihood - kl, log_likelihood, kl)


@pytest.fixture
def registered():
    gv.objectives.BOUNDS.register("own_bound")(OwnBound)
    yield "own_bound"
    del gv.objectives.BOUNDS["own_bound"]


MODELS = {
    "gaussian": {},
    "mixture of priors": {"prior": "mixture", "prior_options": {"components": 3}},
    "low rank": {"latent_type": "low_rank", "latent_options": {"rank": 2}},
}


@pytest.mark.parametrize("changes", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("samples", [1, 3])
def test_both_modes(changes, samples, rng):
    assert_modes_agree(OwnBound(small_vae(**changes), strength=0.4, samples=samples), rng)


@pytest.mark.parametrize("samples", [1, 3])
def test_it_is_what_the_library_has(samples, rng):
    vae = small_vae()
    own, ours = OwnBound(vae, 0.4, samples), gv.ELBO(vae, 0.4, samples, kl="sampled")
    data, noise = pixels(rng, 7), noise_for(rng, own, 7)
    gradients = []
    for bound in (own, ours):
        with mx.autograd.record():
            value = bound(data, noise)
        value.backward()
        gradients.append([value.asnumpy(), *(p.grad().asnumpy().copy() for p in learned(vae))])
    for one, other in zip(*gradients):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_in_chunks_it_is_the_same(monkeypatch, rng):
    bound = OwnBound(small_vae(), 0.4, samples=6)
    data, noise = pixels(rng, 7), noise_for(rng, bound, 7)
    whole = bound(data, noise).asnumpy()
    monkeypatch.setattr("gluonvae.objectives.base.FLOATS_AT_ONCE", 2 * 7 * 12)
    with mx.autograd.record():
        value = bound(data, noise)
    value.backward()
    np.testing.assert_allclose(value.asnumpy(), whole, rtol=1e-5)


def test_a_label_reaches_it(rng):
    bound = OwnBound(small_vae(label_size=3))
    data, noise = pixels(rng, 4), noise_for(rng, bound, 4)
    assert abs(bound(data, noise, [0, 1, 2, 0]).asnumpy() - bound(data, noise, [1, 2, 0, 1]).asnumpy()).max() > 1e-4


@pytest.mark.parametrize("hybrid", [False, True])
def test_fit_and_evaluate_call_what_a_user_calls(hybrid, rng):
    bound = OwnBound(small_vae(), 0.4)
    if hybrid:
        bound.hybridize(static_alloc=True, static_shape=True)
    before, after = [], []
    bound.register_forward_pre_hook(lambda block, inputs: before.append(len(inputs[0])))
    bound.register_forward_hook(lambda block, inputs, terms: after.append(type(terms)))
    data = rng.integers(0, 2, (40, 12)).astype(np.float32)
    history = gv.fit(bound, data, data, epochs=2, batch_size=20, progress=False, weights={"strength": lambda step: 0.5})
    assert before[:2] == [20, 20]
    assert len(before) == len(after) >= 4
    assert set(after) == {gv.Terms}
    assert np.isfinite([row["bound"] for row in history.rows if "bound" in row]).all()
    assert bound.strength == 0.5
    calls = len(after)
    estimate = gv.evaluate(bound, data, batch_size=20)
    assert len(after) == calls + 2
    assert estimate.bound == pytest.approx(estimate.log_likelihood - estimate.kl, rel=1e-5)
    bound(nd(data))
    assert len(after) == calls + 3


def test_the_command_knows_it_by_name(registered, tmp_path, rng, capsys):
    np.savez(tmp_path / "mine.npz", images=rng.integers(0, 256, (50, 6, 4), dtype=np.uint8))
    arguments = ["--data", str(tmp_path / "mine.npz"), "--shape", "6", "4", "--epochs", "1", "--batch-size", "10"]
    options = ["--bound", registered, "--bound-options", "strength=0.3", "samples=2"]
    folder = str(tmp_path / "run")
    assert main(["train", *SMALL, *arguments, *options, "--out", folder]) == 0
    assert main(["evaluate", folder, "--samples", "20"]) == 0
    assert "test bound" in capsys.readouterr().out
