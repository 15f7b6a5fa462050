"""Flows that cannot be are refused, saying what was given and what was wanted."""

import pytest

import gluonvae as gv
from gluonvae import flows
from tests.helpers import nd

ERRORS = {
    "coupling of one": (lambda: flows.AffineCoupling(1, [3]), ValueError, "needs 2 or more, got 1"),
    "spline of one": (lambda: flows.SplineCoupling(1, [3]), ValueError, "needs 2 or more, got 1"),
    "one bin": (lambda: flows.SplineCoupling(4, [3], bins=1), ValueError, "bins must be 2 or more, got 1"),
    "no limit": (lambda: flows.SplineCoupling(4, [3], limit=0), ValueError, "limit must be a positive number, got 0"),
    "size": (lambda: flows.Planar(0), ValueError, "latent_variable_size must be positive, got 0"),
    "hidden sizes": (lambda: flows.AffineCoupling(4, 3), TypeError, "hidden_sizes must be a list of layer widths"),
    "activation": (
        lambda: flows.InverseAutoregressive(4, [3], "tan"),
        ValueError,
        "act_type must be one of .*did you mean 'tanh'",
    ),
    "chain of none": (lambda: flows.Chain([]), ValueError, "a chain is of flows of one .*, got no flow"),
    "chain of two sizes": (
        lambda: flows.Chain([flows.Planar(4, 2), flows.Planar(4)]),
        ValueError,
        r"a chain is of flows of one latent_variable_size and one context_size, got \(4, 0\), \(4, 2\)",
    ),
    "no context": (lambda: ready(flows.Planar(4, 2))(nd([[1, 2, 3, 4]])), TypeError, r"takes a context \(\.\.\., 2\)"),
    "a context": (lambda: ready(flows.Planar(2)).inverse(nd([[1, 2]]), nd([[1]])), TypeError, "takes no context"),
    "shape": (
        lambda: ready(flows.Planar(4))(nd([[1, 2]])),
        ValueError,
        r"z must have shape \(\.\.\., 4\), got \(1, 2\)",
    ),
    "context's shape": (
        lambda: ready(flows.Planar(2, 3))(nd([[1, 2]]), nd([[1]])),
        ValueError,
        r"context must have shape \(\.\.\., 3\), got \(1, 1\)",
    ),
}


def ready(flow):
    flow.initialize()
    return flow


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


# name: (what is called, error, message)
CONSTRUCTIONS = {
    "bins of no size": (lambda: gv.flows.SplineCoupling(4, [], bins=1000), ValueError, "bins must be fewer than 1000"),
    "limit of splines": (
        lambda: gv.flows.SplineCoupling(4, [], limit=float("inf")),
        ValueError,
        "limit must be a positive number, got inf",
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
