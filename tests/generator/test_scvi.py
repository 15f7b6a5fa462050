"""Likelihoods of counts are those of scvi-tools, whose values make_scvi_table.py wrote down."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.special

import gluonvae as gv
from tests.helpers import MODES, Wrapped, nd64, set_mode, value_and_gradients

with open(Path(__file__).with_name("scvi_table.csv"), newline="") as file:
    TABLE = list(csv.DictReader(file))


def column(likelihood, name):
    """``(N, 1)``"""
    return np.array([[float(row[name])] for row in TABLE if row["likelihood"] == likelihood])


# name: its distribution, and its parameters in the table with their derivatives
KINDS = {
    "poisson": (gv.Poisson, {"mean": "of_mean"}),
    "negative_binomial": (gv.NegativeBinomial, {"mean": "of_mean", "dispersion": "of_dispersion"}),
    "zero_inflated_negative_binomial": (
        gv.ZeroInflatedNegativeBinomial,
        {"mean": "of_mean", "dispersion": "of_dispersion", "gate_logits": "of_gate"},
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KINDS)
def test_values_and_gradients_are_scvis(name, mode):
    kind, parameters = KINDS[name]
    x = column(name, "x")
    block = Wrapped(lambda x, *parameters: kind(*parameters).log_prob(x))
    set_mode(block, mode)
    given = [nd64(column(name, parameter)) for parameter in parameters]
    value, _, *gradients = value_and_gradients(block, [nd64(x), *given])
    np.testing.assert_allclose(value, column(name, "log_prob")[:, 0], rtol=1e-6)
    for gradient, derivative in zip(gradients, parameters.values()):
        np.testing.assert_allclose(gradient, column(name, derivative), rtol=1e-6)


def test_a_zero_inflated_poisson_is_lamberts():
    """scVI has none: the formula of Lambert 1992, at the counts and parameters of the table."""
    name = "zero_inflated_negative_binomial"
    x, rate, gate = (column(name, of) for of in ("x", "mean", "gate_logits"))
    log_prob = gv.ZeroInflatedPoisson(nd64(rate), nd64(gate)).log_prob(nd64(x)).asnumpy()
    poisson = np.where(x > 0, x * np.log(rate), 0) - rate - scipy.special.gammaln(x + 1)
    probability = scipy.special.expit(gate)
    lambert = np.where(
        x == 0, np.log(probability + (1 - probability) * np.exp(-rate)), np.log1p(-probability) + poisson
    )
    np.testing.assert_allclose(log_prob, lambert[:, 0], rtol=1e-9, atol=1e-12)
