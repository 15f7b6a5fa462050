"""All that a model of discrete codes can draw, enumerated by NumPy and SciPy."""

import itertools

import numpy as np
import scipy.special

from tests.helpers import nd


def is_binary(vae):
    return not hasattr(vae.inference_net.family, "categories")


def codes(vae):
    """Every code that the model has, ``(S, D)``."""
    size = vae.latent_variable_size
    if is_binary(vae):
        return np.array(list(itertools.product([0.0, 1.0], repeat=size)))
    values = np.eye(vae.inference_net.family.categories)
    return np.array([np.concatenate(blocks) for blocks in itertools.product(values, repeat=size // len(values))])


def noise_of(code):
    """Standard normal noise of which a network whose logits are not extreme draws ``code``."""
    return 18 * code - 9


def log_masses(vae, logits):
    """log p of each code ``(S,)`` for logits ``(D,)``, or ``(B, S)`` for ``(B, D)``: by SciPy."""
    if is_binary(vae):
        chosen = np.where(codes(vae) == 1, logits[..., None, :], -logits[..., None, :])
        return scipy.special.log_expit(chosen).sum(-1)
    blocks = logits.reshape(*logits.shape[:-1], -1, vae.inference_net.family.categories)
    return scipy.special.log_softmax(blocks, axis=-1).reshape(logits.shape) @ codes(vae).T


def log_likelihoods(vae, data):
    """log p(x | z) of data ``(B, X)`` and each code, ``(B, S)``: of the network's logits, by SciPy."""
    logits = vae.generator(nd(codes(vae), vae.dtype)).asnumpy()
    return np.where(data[:, None] == 1, scipy.special.log_expit(logits), scipy.special.log_expit(-logits)).sum(-1)


def truths(vae, data):
    """log q(z | x) and log p(x | z), ``(B, S)``, and log p(z), ``(S,)``, of each code."""
    log_q = log_masses(vae, vae.inference_net(nd(data, vae.dtype))[0].asnumpy())
    return log_q, log_likelihoods(vae, data), log_masses(vae, vae.prior.logits.data().asnumpy())
