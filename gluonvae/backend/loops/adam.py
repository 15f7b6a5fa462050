"""The loop of :mod:`gluonvae.training.optimizer`, compiled by numba when first called, then kept on disk."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import carray, types
from numba.extending import intrinsic


def _address_as_pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer to float32, in numba's terms."""

    def convert(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float32)(types.uint64), convert


_pointer: Any = intrinsic(_address_as_pointer)


def _adam(
    addresses: np.ndarray,
    sizes: np.ndarray,
    rates: np.ndarray,
    decays: np.ndarray,
    rescale: np.float32,
    clip: np.float32,
    beta1: np.float32,
    beta2: np.float32,
    epsilon: np.float32,
) -> None:
    """One step of Adam (Kingma and Ba 2015, algorithm 1, as in its section 2) for each row of
    ``addresses``: weight, gradient, mean and variance of ``sizes`` float32 numbers."""
    one = np.float32(1)
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


# error_model: with Python's, a division may raise, and the loop is not vectorised.
serial = numba.njit(error_model="numpy", cache=True, nogil=True)(_adam)
parallel = numba.njit(error_model="numpy", cache=True, nogil=True, parallel=True)(_adam)
