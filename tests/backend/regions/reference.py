"""What each program computes, in float64 NumPy: its outputs, and the gradients of a weighted sum of them."""

from typing import Callable, NamedTuple

import numpy as np
import scipy.special

from gluonvae.backend import compiled, log_probs

from . import images
from .activations import ACTIVATIONS, sigmoid

FLOOR = 1e-4
CATEGORIES, COMPONENTS = 10, 5


def dense(names):
    def reference(data, *parameters):
        rows = [data.reshape(-1, data.shape[-1])]
        before = []
        for weight, bias, name in zip(parameters[::2], parameters[1::2], names):
            before.append(rows[-1] @ weight.T + bias)
            rows.append(ACTIVATIONS[name][0](before[-1]))

        def gradients(of_output):
            of_rows, found = of_output.reshape(rows[-1].shape), []
            for i in reversed(range(len(names))):
                delta = of_rows * ACTIVATIONS[names[i]][1](before[i])
                found = [delta.T @ rows[i], delta.sum(axis=0), *found]
                of_rows = delta @ parameters[2 * i]
            return [of_rows.reshape(data.shape), *found]

        return [rows[-1].reshape(*data.shape[:-1], -1)], gradients

    return reference


def softplus(x):
    return [np.logaddexp(0, x) + FLOOR], lambda g: [g * sigmoid(x)]


def normal(has_kl):
    def reference(mean, std, noise):
        draw = mean + std * noise
        if has_kl:
            second = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(axis=-1)
        else:
            second = (-0.5 * noise**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=-1)

        def gradients(of_draw, of_second):
            weight = of_second[..., None]
            samples = tuple(range(noise.ndim - mean.ndim))
            of_mean, of_std = of_draw.sum(axis=samples), (of_draw * noise).sum(axis=samples)
            if has_kl:
                return [of_mean + weight * mean, of_std + weight * (std - 1 / std), of_draw * std]
            return [of_mean, of_std - weight.sum(axis=samples) / std, of_draw * std - weight * noise]

        return [draw, second], gradients

    return reference


def log_prob(of_values, *slopes):
    """Of the log density of each value, and its derivative with respect to each tensor; what has no such has none."""

    def reference(*tensors):
        def gradients(g):
            found = [g[..., None] * slope(*tensors) for slope in slopes]
            # those with fewer rows are repeated
            found = [x.sum(axis=tuple(range(x.ndim - like.ndim))) for x, like in zip(found, tensors)]
            return found + [np.zeros_like(x) for x in tensors[len(slopes) :]]

        return [of_values(*tensors).sum(axis=-1)], gradients

    return reference


def log_of_integral(x):
    """The logarithm of the integral of exp(x (v - 1/2)) over v from 0 to 1, log(sinh(x / 2) / (x / 2))."""
    half = np.where(x == 0, 1, x) / 2
    return np.where(x == 0, 0, np.log(np.sinh(half) / half))


def slope_of_log_of_integral(x):
    """coth(x / 2) / 2 - 1 / x, by the series of coth where that has few digits."""
    far = np.where(abs(x) < 0.1, 1, x)
    near = x / 12 - x**3 / 720 + x**5 / 30240 - x**7 / 1209600
    return np.where(abs(x) < 0.1, near, 0.5 / np.tanh(far / 2) - 1 / far)


def logistic_edges(mean, scale, value):
    level = np.rint(255 * value)
    below, above = ((level + side - 255 * mean) / (255 * scale) for side in (-0.5, 0.5))
    return np.where(level > 0, below, -np.inf), np.where(level < 255, above, np.inf)


def logistic_mass(mean, scale, value):
    """log(σ(b) - σ(a)), from the side on which both are small."""
    a, b = logistic_edges(mean, scale, value)
    flip = a + b > 0
    a, b = np.where(flip, -b, a), np.where(flip, -a, b)
    log_a, log_b = scipy.special.log_expit(a), scipy.special.log_expit(b)
    return log_b + np.log(-np.expm1(log_a - log_b))


def logistic_slopes(weight):
    """The derivative of the mass, over the mass: that of each edge is the density there times what it moves by."""

    def slope(mean, scale, value):
        log_mass = logistic_mass(mean, scale, value)

        def moved(edge):
            log_density = scipy.special.log_expit(edge) + scipy.special.log_expit(-edge)
            finite = np.where(np.isfinite(edge), edge, 0)
            return np.where(np.isfinite(edge), np.exp(log_density - log_mass) * weight(finite), 0) / scale

        a, b = logistic_edges(mean, scale, value)
        return moved(a) - moved(b)

    return slope


def blocks(x):
    return x.reshape(*x.shape[:-1], -1, CATEGORIES)


def categorical(logits, value):
    return np.broadcast_to(value, logits.shape) * scipy.special.log_softmax(blocks(logits), axis=-1).reshape(
        logits.shape
    )


def categorical_slope(logits, value):
    return value - scipy.special.softmax(blocks(logits), axis=-1).reshape(logits.shape)


def by_component(x):
    return x.reshape(*x.shape[:-1], COMPONENTS, -1)


def mixture(logits, mean, scale, value):
    log_weights = scipy.special.log_softmax(by_component(logits), axis=-2)
    masses = logistic_mass(by_component(mean), by_component(scale), value[..., None, :])
    return scipy.special.logsumexp(log_weights + masses, axis=-2)


def mixture_slope(which):
    """The derivative with respect to the logits, 0, the means, 1, or the scales, 2."""

    def slope(logits, mean, scale, value):
        components = by_component(mean), by_component(scale), value[..., None, :]
        log_weights = scipy.special.log_softmax(by_component(logits), axis=-2)
        log_prob = mixture(logits, mean, scale, value)[..., None, :]
        shares = np.exp(log_weights + logistic_mass(*components) - log_prob)
        if which == 0:
            found = shares - np.exp(log_weights)
        else:
            found = shares * logistic_slopes((lambda edge: 1, lambda edge: edge)[which - 1])(*components)
        return found.reshape(*found.shape[:-2], -1)

    return slope


HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)
LOG_PROBS = {
    "normal": log_prob(
        lambda m, s, x: -0.5 * ((x - m) / s) ** 2 - np.log(s) - HALF_LOG_TWO_PI,
        lambda m, s, x: (x - m) / s**2,
        lambda m, s, x: ((x - m) / s) ** 2 / s - 1 / s,
        lambda m, s, x: (m - x) / s**2,
    ),
    "laplace": log_prob(
        lambda m, s, x: -abs(x - m) / s - np.log(2 * s),
        lambda m, s, x: np.sign(x - m) / s,
        lambda m, s, x: abs(x - m) / s**2 - 1 / s,
        lambda m, s, x: np.sign(m - x) / s,
    ),
    "bernoulli": log_prob(
        lambda logits, x: -np.logaddexp(0, logits * (1 - 2 * x)), lambda logits, x: x - sigmoid(logits)
    ),
    "continuous_bernoulli": log_prob(
        lambda logits, x: logits * (x - 0.5) - log_of_integral(logits),
        lambda logits, x: x - 0.5 - slope_of_log_of_integral(logits),
    ),
    "discretized_logistic": log_prob(
        logistic_mass, logistic_slopes(lambda edge: 1), logistic_slopes(lambda edge: edge)
    ),
    "categorical": log_prob(categorical, categorical_slope),
    "discretized_logistic_mixture": log_prob(mixture, *map(mixture_slope, range(3))),
}
"""Each of :mod:`gluonvae.backend.log_probs`."""


def repeat(row, like):
    return [row + np.zeros_like(like)], lambda g: [
        g.reshape(-1, g.shape[-1]).sum(axis=0) if len(row) > 1 else g.sum(keepdims=True).reshape(1),
        np.zeros_like(like),
    ]


def fill(like):
    return [np.full_like(like, 0.3)], lambda g: [np.zeros_like(like)]


def product(x, y):
    return [x * y], lambda g: [g * y, g * x]


def standard_normal(value):
    return [(-0.5 * value**2 - 0.5 * np.log(2 * np.pi)).sum(axis=-1)], lambda g: [-g[..., None] * value]


def log_mean_exp(x):
    output = np.logaddexp.reduce(x, axis=0) - np.log(len(x))
    return [output], lambda g: [g * np.exp(x - output) / len(x)]


class Case(NamedTuple):
    """A program with inputs of certain shapes."""

    name: str
    call: Callable
    """Of tensors, in either mode; returns the outputs."""
    reference: Callable
    """Of arrays of float64; returns the outputs, and the gradients as a function of those of the outputs."""
    draw: Callable
    """Inputs, of a generator and a number of rows."""

    def __str__(self):
        return self.name


def layers(rng, rows, *sizes):
    widths = list(zip(sizes, sizes[1:]))
    shaped = [x for a, b in widths for x in (rng.standard_normal((b, a)) / np.sqrt(a), 0.1 * rng.standard_normal(b))]
    return [rng.standard_normal((*rows, sizes[0])), *shaped]


def dense_case(names, sizes, leading=(), draw=layers):
    def call(x, *parameters):
        of_layers = zip(parameters[::2], parameters[1::2], sizes[1:], names)
        return [compiled.dense(x, [compiled.Layer(*layer) for layer in of_layers])]

    name = f"dense {'-'.join(map(str, sizes))} {' '.join(names)}{' of zeros' * (draw is sparse)}"
    return Case(name, call, dense(names), lambda rng, rows: draw(rng, (*leading, rows), *sizes))


def sparse(rng, rows, *sizes):
    data, *parameters = layers(rng, rows, *sizes)
    return [data * (rng.random(data.shape) < 0.13), *parameters]


def normal_case(name, leading):
    call = getattr(compiled, f"normal_draw_and_{name}")

    def draw(rng, rows):
        parameters = rng.standard_normal((rows, 6)), np.exp(rng.standard_normal((rows, 6)))
        return [*parameters, rng.standard_normal((*leading, rows, 6))]

    return Case(f"draw and {name} {leading}", call, normal(name == "kl"), draw)


def of_one(name, reference, draw, *options):
    call = getattr(compiled, name)
    return Case(name, lambda *tensors: [call(*tensors, *options)], reference, draw)


def location_scale(lowest):
    return lambda rng, shape: [rng.standard_normal(shape), np.exp(rng.uniform(lowest, 3, shape))]


def logits(rng, shape):
    return [4 * rng.standard_normal(shape)]


PARAMETERS = {
    "normal": location_scale(-2),
    "laplace": location_scale(-2),
    "bernoulli": logits,
    "continuous_bernoulli": logits,
    "discretized_logistic": location_scale(-6),
    # of narrower components the shares have fewer digits, as the log masses are larger
    "discretized_logistic_mixture": lambda rng, shape: [rng.standard_normal(shape), *location_scale(-3)(rng, shape)],
    "categorical": logits,
}


def one_hot(rng, shape):
    labels = rng.integers(0, CATEGORIES, (*shape[:-1], shape[-1] // CATEGORIES))
    return np.eye(CATEGORIES)[labels].reshape(shape)


def real(rng, shape):
    return rng.standard_normal(shape)


VALUES = {
    "normal": real,
    "laplace": real,
    "bernoulli": lambda rng, shape: rng.integers(0, 2, shape),
    "continuous_bernoulli": lambda rng, shape: rng.random(shape),
    "discretized_logistic": lambda rng, shape: rng.integers(0, 256, shape) / 255,
    "discretized_logistic_mixture": lambda rng, shape: (
        rng.integers(0, 256, (*shape[:-1], shape[-1] // COMPONENTS)) / 255
    ),
    "categorical": one_hot,
}


def log_prob_case(name, leading, of_value=False):
    """With leading axes of the parameters, or of the value."""
    call = getattr(log_probs, name)
    options = {"categorical": [CATEGORIES], "discretized_logistic_mixture": [COMPONENTS]}.get(name, [])

    def draw(rng, rows):
        parameters, value = (rows, 390), (*leading, rows, 390)
        if not of_value:
            parameters, value = value, parameters
        return [*PARAMETERS[name](rng, parameters), VALUES[name](rng, value)]

    return Case(
        f"log_prob {name} {leading} {'of values' if of_value else ''}",
        lambda *tensors: [call(*tensors, *options)],
        LOG_PROBS[name],
        draw,
    )


CASES = [
    *(dense_case([name] * 2, (20, 33, 7)) for name in ACTIVATIONS),
    dense_case(["tanh"], (5, 1), leading=(3,)),
    dense_case(["tanh", "identity", "sigmoid"], (784, 200, 200, 50)),
    dense_case(["tanh", "identity"], (147, 277, 5), draw=sparse),
    dense_case(["identity"], (784, 41), leading=(2,), draw=sparse),
    *(
        Case(f"convolutions: {name}", images.call(layers), images.convolutions(layers), images.draw(shape, layers))
        for name, (shape, layers) in images.TABLE.items()
    ),
    of_one("softplus", softplus, lambda rng, rows: [5 * rng.standard_normal((rows, 9))], FLOOR),
    *(normal_case(name, leading) for name in ("kl", "log_prob") for leading in ((), (3,))),
    *(log_prob_case(name, leading) for name in LOG_PROBS for leading in ((), (3,))),
    log_prob_case("normal", (3,), of_value=True),
    log_prob_case("discretized_logistic", (3,), of_value=True),
    log_prob_case("discretized_logistic_mixture", (3,), of_value=True),
    of_one("repeat", repeat, lambda rng, rows: [rng.standard_normal(37), rng.standard_normal((3, rows, 37))]),
    of_one("repeat", repeat, lambda rng, rows: [rng.standard_normal(1), rng.standard_normal((rows, 37))]),
    of_one("fill", fill, lambda rng, rows: [rng.standard_normal((rows, 37))], 0.3),
    of_one("product", product, lambda rng, rows: list(rng.standard_normal((2, 3, rows, 7)))),
    of_one("standard_normal_log_prob", standard_normal, lambda rng, rows: [rng.standard_normal((3, rows, 7))]),
    of_one("log_mean_exp", log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((5, rows))]),
    of_one("log_mean_exp", log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((1, 3, rows))]),
]
