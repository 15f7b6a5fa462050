"""A linear Gaussian model of which values are missing: exact evidence and posterior mean of each row, in float64."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd

SIGMA = 0.5


def set_to_prior(net):
    """Make a Gaussian posterior the prior, whatever the data are."""
    for head, bias in ((net.mean_head, 0), (net.std_head, np.log(np.expm1(1 - gv.inference.MIN_STD)))):
        head[-1].weight.set_data(mx.nd.zeros(head[-1].weight.shape))
        head[-1].bias.set_data(mx.nd.full(head[-1].bias.shape, bias))


class Truth:
    """p(x | z) = N(W z + b, SIGMA**2) under a standard normal prior, with any W and b."""

    def __init__(self, rng, data_dims, latent_variable_size):
        self.weight = rng.standard_normal((data_dims, latent_variable_size))
        self.bias = rng.standard_normal(data_dims)
        self.covariance = self.weight @ self.weight.T + SIGMA**2 * np.eye(data_dims)

    def draw(self, rng, count):
        return rng.multivariate_normal(self.bias, self.covariance, count)

    def log_evidence(self, data):
        """log p(x_o) of each row."""
        return np.array([self._log_evidence(row, ~np.isnan(row)) for row in data])

    def _log_evidence(self, row, o):
        if not o.any():
            return 0.0
        return scipy.stats.multivariate_normal.logpdf(row[o], self.bias[o], self.covariance[np.ix_(o, o)])

    def imputed(self, data):
        """Each row with E[x_m | x_o] in the place of what is missing."""
        return np.array([self._imputed(row, ~np.isnan(row)) for row in data])

    def _imputed(self, row, o):
        gain = np.linalg.solve(self.covariance[np.ix_(o, o)], self.covariance[o]).T
        return np.where(o, row, self.bias + gain @ (row[o] - self.bias[o]))

    def conditional_covariance(self, row):
        """The covariance of x_m given x_o of a row."""
        o, m = ~np.isnan(row), np.isnan(row)
        between = self.covariance[np.ix_(o, m)]
        return self.covariance[np.ix_(m, m)] - between.T @ np.linalg.solve(self.covariance[np.ix_(o, o)], between)

    def posterior(self, row):
        """Mean and covariance of p(z | x_o) of a row."""
        weight, centred = self.weight[~np.isnan(row)], (row - self.bias)[~np.isnan(row)]
        covariance = np.linalg.inv(np.eye(weight.shape[1]) + weight.T @ weight / SIGMA**2)
        return covariance @ weight.T @ centred / SIGMA**2, covariance

    def variances(self, row, mean, std):
        """Those of one draw of N(mean, std**2), weighted to p(z | x_o): of its share in E[x | x_o], ``(X,)``, and of its
        weight relative to the mean weight."""
        of_exact, covariance = self.posterior(row)
        exact = scipy.stats.multivariate_normal(of_exact, covariance)
        precision = 2 * np.linalg.inv(covariance) - np.diag(std**-2)
        if np.linalg.eigvalsh(precision).min() <= 0:
            return np.full(len(row), np.inf), np.inf
        # p**2 / q is a constant times the density of a Gaussian
        spread = np.linalg.inv(precision)
        peak = spread @ (2 * np.linalg.solve(covariance, of_exact) - mean / std**2)
        log_squares = 2 * exact.logpdf(peak) - scipy.stats.norm.logpdf(peak, mean, std).sum()
        constant = np.exp(log_squares - scipy.stats.multivariate_normal(peak, spread).logpdf(peak))
        off = self.predicted(peak) - self.predicted(of_exact)
        return constant * (off**2 + np.einsum("xd,de,xe->x", self.weight, spread, self.weight)), constant - 1

    def predicted(self, z):
        return z @ self.weight.T + self.bias

    def log_likelihood(self, data, z):
        """log p(x_o | z), ``(K, N)``, for latent states ``(K, N, D)``."""
        return np.nansum(scipy.stats.norm.logpdf(data, self.predicted(z), SIGMA), axis=-1)

    def model(self, layer_sizes=(), dtype="float32"):
        """The generator of this truth, held fixed, with a posterior that is the prior."""
        X, D = self.weight.shape
        vae = gv.VAE(
            gv.GaussianGenerator(X, [], latent_variable_size=D, std=SIGMA, missing=True),
            gv.GaussianInferenceNetwork(D, layer_sizes, shared_layers=None),
        )
        vae.initialize()
        vae.cast(dtype)
        vae.generator.mean_head.weight.set_data(nd(self.weight, dtype))
        vae.generator.mean_head.bias.set_data(nd(self.bias, dtype))
        set_to_prior(vae.inference_net)
        vae.generator.collect_params().setattr("grad_req", "null")
        return vae
