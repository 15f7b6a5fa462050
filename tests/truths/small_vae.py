"""The log densities of a small model, by SciPy."""

import numpy as np
import scipy.special
import scipy.stats

from tests.helpers import nd


def log_weights(vae, data, noise):
    """log p(x | z), log p(z) and log q(z | x) in float64, from the parameters of the two networks."""
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    z = mean + std * noise.asnumpy().astype(np.float64)
    logits = vae.generator(nd(z)).asnumpy().astype(np.float64)
    return (
        scipy.stats.bernoulli.logpmf(data.asnumpy(), scipy.special.expit(logits)).sum(-1),
        scipy.stats.norm.logpdf(z).sum(-1),
        scipy.stats.norm.logpdf(z, mean, std).sum(-1),
    )
