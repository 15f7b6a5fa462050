"""What each program computes, in float64 NumPy: its outputs, and the gradients of a weighted sum of them."""

from typing import Callable, NamedTuple

import numpy as np

from gluonvae.backend import compiled

from . import images
from .activations import ACTIVATIONS, sigmoid

FLOOR = 1e-4


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


def bernoulli(logits, value):
    log_prob = -np.logaddexp(0, logits * (1 - 2 * value)).sum(axis=-1)
    return [log_prob], lambda g: [g[..., None] * (value - sigmoid(logits)), np.zeros_like(value)]


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


def dense_case(names, sizes, leading=()):
    def call(x, *parameters):
        of_layers = zip(parameters[::2], parameters[1::2], sizes[1:], names)
        return [compiled.dense(x, [compiled.Layer(*layer) for layer in of_layers])]

    name = f"dense {'-'.join(map(str, sizes))} {' '.join(names)}"
    return Case(name, call, dense(names), lambda rng, rows: layers(rng, (*leading, rows), *sizes))


def normal_case(name, leading):
    call = getattr(compiled, f"normal_draw_and_{name}")

    def draw(rng, rows):
        parameters = rng.standard_normal((rows, 6)), np.exp(rng.standard_normal((rows, 6)))
        return [*parameters, rng.standard_normal((*leading, rows, 6))]

    return Case(f"draw and {name} {leading}", call, normal(name == "kl"), draw)


def of_one(name, reference, draw, *options):
    call = getattr(compiled, name)
    return Case(name, lambda *tensors: [call(*tensors, *options)], reference, draw)


CASES = [
    *(dense_case([name] * 2, (20, 33, 7)) for name in ACTIVATIONS),
    dense_case(["tanh"], (5, 1), leading=(3,)),
    dense_case(["tanh", "identity", "sigmoid"], (784, 200, 200, 50)),
    *(
        Case(f"convolutions: {name}", images.call(layers), images.convolutions(layers), images.draw(shape, layers))
        for name, (shape, layers) in images.TABLE.items()
    ),
    of_one("softplus", softplus, lambda rng, rows: [5 * rng.standard_normal((rows, 9))], FLOOR),
    *(normal_case(name, leading) for name in ("kl", "log_prob") for leading in ((), (3,))),
    *(
        of_one(
            "bernoulli_log_prob",
            bernoulli,
            lambda rng, rows, leading=leading: [
                4 * rng.standard_normal((*leading, rows, 784)),
                rng.integers(0, 2, (rows, 784)),
            ],
        )
        for leading in ((), (3,))
    ),
    of_one("product", product, lambda rng, rows: list(rng.standard_normal((2, 3, rows, 7)))),
    of_one("standard_normal_log_prob", standard_normal, lambda rng, rows: [rng.standard_normal((3, rows, 7))]),
    of_one("log_mean_exp", log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((5, rows))]),
    of_one("log_mean_exp", log_mean_exp, lambda rng, rows: [9 * rng.standard_normal((1, 3, rows))]),
]
