"""The table of posteriors of discrete codes and of relaxed ones, each a row, in a model with their prior; and all
that such a model can draw, enumerated."""

import itertools

import numpy as np
import scipy.special
from conftest import nd, small_vae

ONE_HOT = {"categories": 3}

# name: (latent_type, its options)
POSTERIORS = {
    "bernoulli": ("bernoulli", {}),
    "categorical": ("categorical", ONE_HOT),
    "relaxedBernoulli": ("relaxedBernoulli", {}),
    "relaxedBernoulli, straight through": ("relaxedBernoulli", {"straight_through": True}),
    "relaxedOneHot": ("relaxedOneHot", ONE_HOT),
    "relaxedOneHot, straight through": ("relaxedOneHot", {**ONE_HOT, "straight_through": True}),
}
EXACT = ["bernoulli", "categorical"]
STRAIGHT = [name for name in POSTERIORS if name.endswith("straight through")]
RELAXED = [name for name in POSTERIORS if name.startswith("relaxed") and name not in STRAIGHT]


def model(name, rng=None, size=6, **changes):
    """A small model of that row; in float64, with parameters far from those that it starts with, given ``rng``."""
    latent_type, options = POSTERIORS[name]
    usual = {"latent_variable_size": size, "prior": "codes", "prior_options": {"learned": True}}
    vae = small_vae(**{**usual, "latent_type": latent_type, "latent_options": options, **changes})
    if rng is not None:
        vae.cast("float64")
        for parameter in learned(vae):
            parameter.set_data(nd(0.6 * rng.standard_normal(parameter.shape), "float64"))
    return vae


def learned(block):
    return [parameter for parameter in block.collect_params().values() if parameter.grad_req != "null"]


def is_binary(vae):
    return not hasattr(vae.inference_net, "categories")


def codes(vae):
    """Every code that the model has, ``(S, D)``."""
    size = vae.latent_variable_size
    if is_binary(vae):
        return np.array(list(itertools.product([0.0, 1.0], repeat=size)))
    values = np.eye(vae.inference_net.categories)
    return np.array([np.concatenate(blocks) for blocks in itertools.product(values, repeat=size // len(values))])


def noise_of(code):
    """Standard normal noise of which a network whose logits are not extreme draws ``code``."""
    return 18 * code - 9


def log_masses(vae, logits):
    """log p of each code ``(S,)`` for logits ``(D,)``, or ``(B, S)`` for ``(B, D)``: by SciPy."""
    if is_binary(vae):
        chosen = np.where(codes(vae) == 1, logits[..., None, :], -logits[..., None, :])
        return scipy.special.log_expit(chosen).sum(-1)
    blocks = logits.reshape(*logits.shape[:-1], -1, vae.inference_net.categories)
    return scipy.special.log_softmax(blocks, axis=-1).reshape(logits.shape) @ codes(vae).T


def log_likelihoods(vae, data):
    """log p(x | z) of data ``(B, X)`` and each code, ``(B, S)``: of the network's logits, by SciPy."""
    logits = vae.generator(nd(codes(vae), vae.dtype)).asnumpy()
    return np.where(data[:, None] == 1, scipy.special.log_expit(logits), scipy.special.log_expit(-logits)).sum(-1)


def truths(vae, data):
    """log q(z | x) and log p(x | z), ``(B, S)``, and log p(z), ``(S,)``, of each code."""
    log_q = log_masses(vae, vae.inference_net(nd(data, vae.dtype))[0].asnumpy())
    return log_q, log_likelihoods(vae, data), log_masses(vae, vae.prior.logits.data().asnumpy())
