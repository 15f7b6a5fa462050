"""What each region computes, in float64 NumPy: its outputs, and the gradients of a weighted sum of them."""

from typing import Callable, NamedTuple

import numpy as np

SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def below_zero(x):
    return np.minimum(x, 0)


ACTIVATIONS = {
    "identity": (lambda x: x, np.ones_like),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(np.clip(x, -300, 300)) ** 2),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "softrelu": (lambda x: np.logaddexp(0, x), sigmoid),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "leakyrelu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1.0, 0.01)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(below_zero(x))), lambda x: np.exp(below_zero(x))),
    "selu": (
        lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(below_zero(x))),
        lambda x: SCALE * np.where(x > 0, 1.0, ALPHA * np.exp(below_zero(x))),
    ),
}
"""The activations and their derivatives, the latter of what goes in."""


def dense(options, data, *parameters):
    names = options["activations"].split(",")
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


def softplus(options, x):
    return [np.logaddexp(0, x) + float(options["floor"])], lambda g: [g * sigmoid(x)]


def normal(options, mean, std, noise):
    draw = mean + std * noise
    is_kl = options["second"] == "kl"
    if is_kl:
        second = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(axis=-1)
    else:
        second = (-0.5 * noise**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(axis=-1)

    def gradients(of_draw, of_second):
        weight = of_second[..., None]
        samples = tuple(range(noise.ndim - mean.ndim))
        of_mean, of_std = of_draw.sum(axis=samples), (of_draw * noise).sum(axis=samples)
        if is_kl:
            return [of_mean + weight * mean, of_std + weight * (std - 1 / std), of_draw * std]
        return [of_mean, of_std - weight.sum(axis=samples) / std, of_draw * std - weight * noise]

    return [draw, second], gradients


def bernoulli(options, logits, value):
    log_prob = -np.logaddexp(0, logits * (1 - 2 * value)).sum(axis=-1)
    return [log_prob], lambda g: [g[..., None] * (value - sigmoid(logits)), np.zeros_like(value)]


def standard_normal(options, value):
    return [(-0.5 * value**2 - 0.5 * np.log(2 * np.pi)).sum(axis=-1)], lambda g: [-g[..., None] * value]


def log_mean_exp(options, x):
    output = np.logaddexp.reduce(x, axis=0) - np.log(len(x))
    return [output], lambda g: [g * np.exp(x - output) / len(x)]


class Case(NamedTuple):
    """An operator with inputs of certain shapes."""

    name: str
    options: dict
    reference: Callable
    draw: Callable
    """Inputs, of a generator and a number of rows."""

    def __str__(self):
        return " ".join([self.name.removeprefix("gluonvae_"), *map(str, self.options.values())])


def layers(rng, rows, *sizes):
    widths = list(zip(sizes, sizes[1:]))
    shaped = [x for a, b in widths for x in (rng.standard_normal((b, a)) / np.sqrt(a), 0.1 * rng.standard_normal(b))]
    return [rng.standard_normal((*rows, sizes[0])), *shaped]


CASES = [
    *(
        Case(
            "gluonvae_dense",
            {"units": "33,7", "activations": f"{name},{name}"},
            dense,
            lambda rng, rows: layers(rng, (rows,), 20, 33, 7),
        )
        for name in ACTIVATIONS
    ),
    Case(
        "gluonvae_dense",
        {"units": "1", "activations": "tanh"},
        dense,
        lambda rng, rows: layers(rng, (3, rows), 5, 1),
    ),
    Case(
        "gluonvae_dense",
        {"units": "200,200,50", "activations": "tanh,identity,sigmoid"},
        dense,
        lambda rng, rows: layers(rng, (rows,), 784, 200, 200, 50),
    ),
    Case(
        "gluonvae_softplus",
        {"floor": "0.0001"},
        softplus,
        lambda rng, rows: [5 * rng.standard_normal((rows, 9))],
    ),
    *(
        Case(
            "gluonvae_normal",
            {"second": second},
            normal,
            lambda rng, rows, leading=leading: [
                rng.standard_normal((rows, 6)),
                np.exp(rng.standard_normal((rows, 6))),
                rng.standard_normal((*leading, rows, 6)),
            ],
        )
        for second in ("kl", "log_prob")
        for leading in ((), (3,))
    ),
    *(
        Case(
            "gluonvae_bernoulli",
            {},
            bernoulli,
            lambda rng, rows, leading=leading: [
                4 * rng.standard_normal((*leading, rows, 784)),
                rng.integers(0, 2, (rows, 784)),
            ],
        )
        for leading in ((), (3,))
    ),
    Case("gluonvae_standard_normal", {}, standard_normal, lambda rng, rows: [rng.standard_normal((3, rows, 7))]),
    Case("gluonvae_log_mean_exp", {}, log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((5, rows))]),
    Case("gluonvae_log_mean_exp", {}, log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((1, 3, rows))]),
]
