"""Free bits of each layer of latent variables, by hand, and their gradient below the threshold."""

import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives.layered_kl import kl_of_layers
from tests.helpers import nd64
from tests.tables.hierarchies import batch, every_model, model
from tests.truths.hierarchies import worked_out


@every_model
def test_free_bits_of_layers_by_hand(name, rng):
    vae = model(name, rng)
    data, noise = rng.integers(0, 2, (7, 12)), rng.standard_normal((3, 7, vae.latent_variable_size))
    _, of_q, of_p = worked_out(vae, data, noise)
    kl = np.array([q - p for q, p in zip(of_q, of_p)])
    means = kl.mean((1, 2))
    log_likelihood = vae(nd64(data), nd64(noise))[0].asnumpy().mean(0)
    for gradient in ("standard", "stl"):
        bound = gv.FreeBitsELBO(vae, samples=3, gradient=gradient)
        assert bound.groups == len(means)
        for bound.free_bits, bound.beta in ((0, 1), (float(np.median(means)) + 0.1, 0.3), (1e3, 1)):
            terms = bound.terms(nd64(data), nd64(noise))
            penalty = bound.beta * np.maximum(means, bound.free_bits).sum()
            np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - penalty, rtol=1e-9)
            np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl.sum(0).mean(0), rtol=1e-9)


def test_a_layer_below_its_free_bits_has_no_gradient_of_its_kl(rng):
    """The top of a ladder, which no other term depends on but through its latent state."""
    vae = model("ladder", rng)
    both = batch(gv.ELBO(vae), rng)
    top = vae.inference_net.family.upper[0].mean_head.weight

    def gradient(bound):
        with mx.autograd.record():
            bound(*both).sum().backward()
        return top.grad().asnumpy().copy()

    kl = [
        kl.asnumpy().mean() for kl in kl_of_layers(vae.posterior(both[0]), vae.prior_distribution(both[0]), both[1])[1]
    ]
    of_all, of_none = gradient(gv.ELBO(vae)), gradient(gv.ELBO(vae, beta=0))
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, min(kl) - 1)), of_all, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, max(kl) + 1)), of_none, rtol=1e-9, atol=1e-12)
    assert abs(of_all - of_none).max() > 0.1
