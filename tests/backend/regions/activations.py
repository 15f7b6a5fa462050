"""The activations in float64 NumPy."""

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
