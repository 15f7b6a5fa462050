"""The table of priors: a row each."""

import numpy as np
import scipy.special
import scipy.stats
from conftest import nd, small_vae

STANDARD = (np.ones(1), np.zeros((1, 1)), np.ones((1, 1)))


def values(parameter):
    return parameter.data().asnumpy().astype(np.float64)


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


# name: (options, what p(z) of a model with a diagonal Gaussian posterior is: the weights, means and
# standard deviations of a mixture of diagonal Gaussians, (K,), (K, D) and (K, D))
PRIORS = {
    "standard": ({}, lambda vae: STANDARD),
    "diagonal": ({}, diagonal),
    "mixture": ({"components": 3}, mixture),
    "vamp": ({"components": 5}, vamp),
}


def vae_with(prior, rng=None, options=None, **changes):
    """A small model with a prior of the table, whose parameters are random given ``rng``."""
    vae = small_vae(prior=prior, prior_options={**PRIORS[prior][0], **(options or {})}, **changes)
    if rng is not None:
        for parameter in vae.prior.collect_params().values():
            parameter.set_data(nd(rng.uniform(-1, 1, parameter.shape)))
    return vae


def log_density(components, z):
    """log p(z), ``(n,)`` for ``(n, D)``, component by component."""
    terms = [np.log(weight) + scipy.stats.norm.logpdf(z, mean, std).sum(-1) for weight, mean, std in zip(*components)]
    return scipy.special.logsumexp(terms, axis=0)


def distribution(vae):
    """p(z) of a model, as an object."""
    return vae.prior.distribution(nd([0], vae.dtype), vae.inference_net)
