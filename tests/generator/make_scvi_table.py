"""Make scvi_table.csv, log masses and gradients of scVI's likelihoods of counts: ``python make_scvi_table.py FILE``.

It needs PyTorch and scvi-tools, which do not go with MXNet's NumPy: run it in an environment of its own, where gluonvae
need not be. The table in this folder was made with PyTorch 2.13.0 and scvi-tools 1.4.2.
"""

from __future__ import annotations

import csv
import sys

import numpy as np

COLUMNS = ("likelihood", "x", "mean", "dispersion", "gate_logits", "log_prob", "of_mean", "of_dispersion", "of_gate")
"""The count, the parameters, the log mass, and its derivatives by the parameters."""
ROWS = 150


def make(path: str) -> None:
    """Write the table, in float64.

    Parameters
    ----------
    path : str
        The file to write.
    """
    import torch
    from scvi.distributions import Poisson
    from scvi.distributions._negative_binomial import log_nb_positive, log_zinb_positive

    likelihoods = {
        "poisson": lambda x, mean, dispersion, gate: Poisson(mean).log_prob(x),
        "negative_binomial": lambda x, mean, dispersion, gate: log_nb_positive(x, mean, dispersion),
        "zero_inflated_negative_binomial": log_zinb_positive,
    }
    rng = np.random.default_rng(0)
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for name, log_prob in likelihoods.items():
            mean, dispersion = np.exp(rng.uniform(np.log(0.5), np.log([[2000], [200]]), (2, ROWS)))
            gate = rng.uniform(-12, 12, ROWS)
            x = rng.poisson(mean * rng.gamma(dispersion) / dispersion) * (rng.random(ROWS) < 0.7)
            parameters = [torch.tensor(values, requires_grad=True) for values in (mean, dispersion, gate)]
            value = log_prob(torch.tensor(x, dtype=torch.float64), *parameters)
            value.sum().backward()
            gradients = [np.zeros(ROWS) if p.grad is None else p.grad.numpy() for p in parameters]
            for row in zip(x, mean, dispersion, gate, value.detach().numpy().ravel(), *gradients):
                table.writerow([name, *(repr(number.item()) for number in row)])


if __name__ == "__main__":
    make(sys.argv[1])
