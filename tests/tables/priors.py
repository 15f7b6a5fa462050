"""The table of priors: a row each, with its density."""

import numpy as np
import scipy.special
import scipy.stats

from tests.helpers import nd, small_vae


def values(parameter):
    return parameter.data().asnumpy().astype(np.float64)


def standard(vae):
    return np.ones(1), np.zeros((1, 1)), np.ones((1, 1))


def diagonal(vae):
    return np.ones(1), values(vae.prior.mean)[None], np.exp(values(vae.prior.log_std))[None]


def mixture(vae):
    prior = vae.prior
    return scipy.special.softmax(values(prior.logits)), values(prior.mean), np.exp(values(prior.log_std))


def vamp(vae):
    inputs = scipy.special.expit(values(vae.prior.unconstrained) - 2)
    # one pseudo-input at a time, as if each were a data point
    each = [vae.inference_net(nd(row[None], vae.dtype)) for row in inputs]
    means, stds = (np.concatenate([x.asnumpy() for x in column]).astype(np.float64) for column in zip(*each))
    return np.full(len(inputs), 1 / len(inputs)), means, stds


def of_components(components):
    """log p(z) where p(z) is a mixture of diagonal Gaussians: weights, means and standard deviations, of
    shapes ``(K,)``, ``(K, D)`` and ``(K, D)``."""

    def log_density(vae, z):
        terms = [
            np.log(weight) + scipy.stats.norm.logpdf(z, mean, std).sum(-1)
            for weight, mean, std in zip(*components(vae))
        ]
        return scipy.special.logsumexp(terms, axis=0)

    return log_density


def of_flow(vae, z):
    """log p(z) by the Jacobian of z = f(ε), in finite differences, at the ε that f does map to z."""
    dtype, step = vae.dtype, 1e-5
    vae.prior.cast("float64")
    flow = lambda points: vae.prior.flow(nd(points, "float64"))[0].asnumpy()  # noqa: E731
    epsilon = vae.prior.flow.inverse(nd(z, "float64"))[0].asnumpy()
    np.testing.assert_allclose(flow(epsilon), z, rtol=1e-6, atol=1e-6)
    moves = step * np.eye(z.shape[-1])
    jacobian = np.stack([(flow(epsilon + move) - flow(epsilon - move)) / (2 * step) for move in moves], axis=-1)
    vae.prior.cast(dtype)
    return scipy.stats.norm.logpdf(epsilon).sum(-1) - np.linalg.slogdet(jacobian)[1]


# name: (options, log p(z) of a model with a diagonal Gaussian posterior at z (..., D), and how far its
# parameters are moved from 0 in tests)
PRIORS = {
    "standard": ({}, of_components(standard), 1.0),
    "diagonal": ({}, of_components(diagonal), 1.0),
    "mixture": ({"components": 3}, of_components(mixture), 1.0),
    "vamp": ({"components": 5}, of_components(vamp), 1.0),
    "real_nvp": ({"flow_length": 3, "hidden_sizes": [5]}, of_flow, 0.4),
}


def vae_with(prior, rng=None, options=None, **changes):
    """A small model with a prior of the table, whose parameters are random given ``rng``."""
    vae = small_vae(prior=prior, prior_options={**PRIORS[prior][0], **(options or {})}, **changes)
    if rng is not None:
        for parameter in vae.prior.collect_params().values():
            parameter.set_data(nd(PRIORS[prior][2] * rng.uniform(-1, 1, parameter.shape)))
    return vae


def distribution(vae):
    """p(z) of a model, as an object."""
    return vae.prior.distribution(nd([0], vae.dtype))


LEARNED = [name for name in PRIORS if name != "standard"]
