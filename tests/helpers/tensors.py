"""Tensors and images to test with."""

import numpy as np

from gluonvae.backend.runtime import mx
from gluonvae.backend.structures import map_structure


def nd(values, dtype="float32"):
    return mx.nd.array(values, dtype=dtype)


def nd64(values):
    return nd(values, "float64")


def draw(rng, spec, leading, dtype="float32"):
    """Noise of a spec, ``(*leading, size)``, as NDArrays."""
    kinds = {"normal": rng.standard_normal, "uniform": rng.random, "none": np.zeros}
    return map_structure(lambda leaf: nd(kinds[leaf.kind]((*leading, leaf.size)), dtype), spec)


def noise_for(rng, bound, batch, dtype="float32"):
    """Noise for a batch of a bound."""
    return draw(rng, bound.noise, (batch,) if bound.samples == 1 else (bound.samples, batch), dtype)


def pixels(rng, batch, size=12):
    """Random zeros and ones, ``(batch, size)``."""
    return nd(rng.integers(0, 2, (batch, size)))


def numbers(*tensors):
    return [tensor.asnumpy() for tensor in tensors]


def patterns(rng, count=100):
    """Images with something to learn: one of two patterns with a few pixels flipped."""
    pattern = rng.integers(0, 2, (2, 12))
    flips = rng.random((count, 12)) < 0.05
    return (pattern[rng.integers(0, 2, count)] ^ flips).astype(np.float32)
