"""Log densities and log masses that are compiled programs.

A value has a row for each row of the parameters: their shapes ``(..., D)`` are the same, but for leading axes of
samples, which either may have beside the other. Other shapes of NDArrays are a ValueError.
"""

from __future__ import annotations

from typing import Any

from .compiled import run, single
from .regions.kinds import repeat_rows
from .runtime import mx
from .types import Tensor


def fit(*tensors: Tensor, components: int = 1) -> bool:
    """Return whether parameters and a value have rows for each other; of Symbols, whose shapes are not known, True.

    Parameters
    ----------
    *tensors : Tensor
        Parameters ``(..., K * D)`` and a value ``(..., D)``.
    components : int
        K.
    """
    if not isinstance(tensors[0], mx.nd.NDArray):
        return True
    *parameters, value = (tensor.shape for tensor in tensors)
    return repeat_rows([*parameters, (*value[:-1], value[-1] * components)])


def normal(mean: Tensor, std: Tensor, value: Tensor) -> Tensor:
    """Compute the log density of Gaussians with independent components.

    Parameters
    ----------
    mean, std, value : Tensor
        ``(..., D)``.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return _of_rows("normal", mean, std, value)


def laplace(mean: Tensor, scale: Tensor, value: Tensor) -> Tensor:
    """Compute the log density of Laplace distributions, as :func:`normal` does."""
    return _of_rows("laplace", mean, scale, value)


def bernoulli(logits: Tensor, value: Tensor) -> Tensor:
    """Compute the log mass of zeros and ones.

    Parameters
    ----------
    logits, value : Tensor
        ``(..., D)``. No gradient flows to values.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return _of_rows("bernoulli", logits, value)


def continuous_bernoulli(logits: Tensor, value: Tensor) -> Tensor:
    """Compute the log density of values in [0, 1], as :func:`bernoulli` does."""
    return _of_rows("continuous_bernoulli", logits, value)


def discretized_logistic(mean: Tensor, scale: Tensor, value: Tensor) -> Tensor:
    """Compute the log mass of values n / 255.

    Parameters
    ----------
    mean, scale, value : Tensor
        ``(..., D)``. No gradient flows to values.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return _of_rows("discretized_logistic", mean, scale, value)


def discretized_logistic_mixture(logits: Tensor, mean: Tensor, scale: Tensor, value: Tensor, components: int) -> Tensor:
    """Compute the log mass of values n / 255, each of a mixture.

    Parameters
    ----------
    logits, mean, scale : Tensor
        ``(..., K * D)``, all of one shape, one component after the other.
    value : Tensor
        ``(..., D)``. No gradient flows to it.
    components : int
        K.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return _of_rows("discretized_logistic_mixture", logits, mean, scale, value, components=components)


def categorical(logits: Tensor, value: Tensor, categories: int) -> Tensor:
    """Compute the log mass of one-hot variables.

    Parameters
    ----------
    logits, value : Tensor
        ``(..., V * C)``, a block for each variable. No gradient flows to values.
    categories : int
        C.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return _of_rows("categorical", logits, value, categories=categories)


def _of_rows(kind: str, *tensors: Tensor, **options: Any) -> Tensor:
    if not fit(*tensors, components=options.get("components", 1)):
        first, value = tensors[0].shape, tensors[-1].shape
        raise ValueError(f"value must have shape {first[max(0, len(first) - len(value)) :]}, got {value}")
    return run(single(kind, len(tensors), **options), *tensors)[0]
