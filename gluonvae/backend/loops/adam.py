"""The loop of :mod:`gluonvae.training.optimizer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from .compile import Loop


def _address_as_pointer(typing_context: object, address: object) -> tuple[object, Callable[..., object]]:
    """Convert an address to a pointer to float32, as a numba intrinsic: its signature and its code generator."""
    pointer = types.CPointer(types.float32)
    return pointer(types.uint64), lambda context, builder, signature, arguments: builder.inttoptr(
        arguments[0], context.get_value_type(pointer)
    )


_pointer: Any = intrinsic(_address_as_pointer)


@Loop
def step(
    addresses: np.ndarray, sizes: np.ndarray, rates: np.ndarray, decays: np.ndarray, settings: tuple[np.float32, ...]
) -> None:
    """Take one step of Adam in place, for several parameters of float32.

    A row of ``addresses`` holds those of weight, gradient, mean and variance of a parameter of ``sizes[row]`` values.
    ``settings`` are the factor of all gradients, the largest gradient, both betas and epsilon.

    Kingma and Ba 2015, algorithm 1 in the form of section 2.
    """
    one = np.float32(1)
    rescale, clip, beta1, beta2, epsilon = settings
    for row in numba.prange(len(sizes)):
        size = sizes[row]
        weight = carray(_pointer(addresses[row, 0]), size)
        grad = carray(_pointer(addresses[row, 1]), size)
        mean = carray(_pointer(addresses[row, 2]), size)
        var = carray(_pointer(addresses[row, 3]), size)
        rate, decay = rates[row], decays[row]
        for i in range(size):
            g = min(max(grad[i] * rescale + decay * weight[i], -clip), clip)
            m = beta1 * mean[i] + (one - beta1) * g
            v = beta2 * var[i] + (one - beta2) * g * g
            mean[i] = m
            var[i] = v
            weight[i] -= rate * m / (np.sqrt(v) + epsilon)
