"""What is told of an epoch: the terms of the bound on the training and the validation data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ..batches import Data
from ..evaluation import evaluate
from ..evaluation.estimates import as_unlabelled, named_accuracy, named_kl_by_layer
from ..objectives import Objective

Metrics = dict[str, float]
TERMS = ("bound", "log_likelihood", "kl")


def validated(bound: Objective, valid: Data, rows: Optional[int]) -> Metrics:
    """What is told of the validation data; the bound is always one on log p(x), also where there are labels.

    No more than ``rows`` of them are computed at once.
    """
    vae = bound.vae
    terms = evaluate(bound, as_unlabelled(vae, valid), rows=rows)[:3]
    further = {**named_kl_by_layer(vae, valid, rows), **named_accuracy(vae, valid, rows)}
    return {**prefixed("valid", terms), **{f"valid_{name}": value for name, value in further.items()}}


def describe(metrics: Metrics) -> str:
    """An epoch's metrics in one line."""
    bound, log_likelihood, kl = (metrics[f"train_{term}"] for term in TERMS)
    valid = f"; validation bound {metrics['valid_bound']:.2f}" if "valid_bound" in metrics else ""
    terms = f"bound {bound:.2f}, log-likelihood {log_likelihood:.2f}, KL {kl:.2f}"
    return f"{terms}{valid}; {metrics['images_per_second']:,.0f} images/s"


def prefixed(prefix: str, values: Iterable[float]) -> Metrics:
    """The terms by their names in the history."""
    return {f"{prefix}_{term}": float(value) for term, value in zip(TERMS, values)}
