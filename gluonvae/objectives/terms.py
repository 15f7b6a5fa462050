"""The tuples that go into and come out of a bound."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..backend.types import Tensor


class Terms(NamedTuple):
    """What an objective computes for each data point, ``(B,)`` each, in nats."""

    objective: Tensor
    """What is maximised."""
    bound: Tensor
    """The lower bound on log p(x): the same, but for a weight on one of the terms."""
    log_likelihood: Tensor
    """log p(x | z), averaged over the samples."""
    kl: Tensor
    """KL(q(z | x) || p(z)), or the average of log q(z | x) - log p(z) over the samples."""


class Inputs(NamedTuple):
    """A batch inside a graph."""

    data: Tensor
    """``(B, X)``."""
    label: tuple[Tensor, ...] = ()
    """``(B, Y)``, in a conditional model."""
    path_scale: Optional[Tensor] = None
    """What the gradient in the parameters of q is multiplied by, ``(k, B)``, for each sample."""
