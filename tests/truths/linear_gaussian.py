"""Linear Gaussian models whose evidence and posterior are known exactly, latent variables independent given the data."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.networks import with_label
from tests.helpers import nd

SIGMA = 0.5


class LinearGaussian(gv.Generator):
    """p(x | z) = N(W z + b, SIGMA**2): with a standard normal prior, p(x) = N(b, W W' + SIGMA**2)."""

    def __init__(self, data_dims, latent_variable_size):
        super().__init__(data_dims, latent_variable_size)
        with self.name_scope():
            self.mean = mx.gluon.nn.Dense(data_dims, flatten=False, in_units=latent_variable_size)

    def hybrid_forward(self, F, latent_state, *label):
        return self.mean(with_label(latent_state, *label))

    def distribution(self, mean):
        return gv.Normal(mean, mean * 0 + SIGMA)

    def check_support(self, name, values):
        pass


class RowByRow(gv.InferenceNetwork):
    """A posterior with a mean and a standard deviation of its own for each row of a batch of ``rows``: their
    gradients are those of each row apart."""

    distribution_type = gv.Normal

    def __init__(self, rows, latent_variable_size, data_dims):
        super().__init__(latent_variable_size, data_dims)
        with self.name_scope():
            for name in ("mean", "std"):
                setattr(self, name, self.params.get(name, shape=(rows, latent_variable_size), init="ones"))

    def hybrid_forward(self, F, data, mean, std):
        # data takes part, as a graph wants its inputs used
        zero = F.sum(data * 0, axis=-1, keepdims=True)
        return F.broadcast_add(mean, zero), F.broadcast_add(std, zero)

    def distribution(self, mean, std):
        return gv.Normal(mean, std)


class Truth:
    """Evidence and posterior of the model with weights ``W``, orthogonal columns, and bias ``b``."""

    def __init__(self, rng, data_dims, latent_variable_size):
        orthonormal = np.linalg.qr(rng.standard_normal((data_dims, latent_variable_size)))[0]
        self.weight = orthonormal * np.linspace(1, 1.5, latent_variable_size)
        self.bias = rng.standard_normal(data_dims)
        covariance = self.weight @ self.weight.T + SIGMA**2 * np.eye(data_dims)
        self.evidence = scipy.stats.multivariate_normal(self.bias, covariance)
        # of the exact posterior, N(gain (x - b), std**2)
        variance = 1 / ((self.weight**2).sum(0) / SIGMA**2 + 1)
        self.std = np.sqrt(variance)
        self.gain = variance[:, None] * self.weight.T / SIGMA**2

    def mean(self, data):
        return (data - self.bias) @ self.gain.T


def linear_gaussian(rng, data_dims=5, latent_variable_size=2, wider=1.0, dtype="float64"):
    """A VAE whose posterior has the exact mean, and the exact standard deviation times ``wider``; and the
    truth about it."""
    truth = Truth(rng, data_dims, latent_variable_size)
    vae = gv.VAE(
        LinearGaussian(data_dims, latent_variable_size),
        gv.GaussianInferenceNetwork(latent_variable_size, [], data_dims=data_dims),
    )
    vae.initialize()
    vae.cast(dtype)
    mean, std = vae.inference_net.mean_head[0], vae.inference_net.std_head[0]
    for parameter, values in (
        (vae.generator.mean.weight, truth.weight),
        (vae.generator.mean.bias, truth.bias),
        (mean.weight, truth.gain),
        (mean.bias, -truth.gain @ truth.bias),
        (std.weight, np.zeros(std.weight.shape)),
        (std.bias, np.log(np.expm1(wider * truth.std - gv.inference.MIN_STD))),
    ):
        parameter.set_data(nd(values, dtype))
    return vae, truth


def row_by_row(truth, data, mean, std):
    """A float64 VAE of the true generator and a posterior ``(mean, std)`` for each row of ``data``."""
    rows, size = len(data), truth.weight.shape[1]
    vae = gv.VAE(LinearGaussian(data.shape[1], size), RowByRow(rows, size, data.shape[1]))
    vae.initialize()
    vae.cast("float64")
    for parameter, values in (
        (vae.generator.mean.weight, truth.weight),
        (vae.generator.mean.bias, truth.bias),
        (vae.inference_net.mean, np.broadcast_to(mean, (rows, size))),
        (vae.inference_net.std, np.broadcast_to(std, (rows, size))),
    ):
        parameter.set_data(nd(values, "float64"))
    return vae


def model_in_float64(rng, samples=1):
    """A model, data for it, noise, its posterior's means and standard deviations, and latent states."""
    vae, truth = linear_gaussian(rng, data_dims=5, latent_variable_size=4, wider=1.3)
    data = truth.evidence.rvs(7, random_state=rng)
    noise = rng.standard_normal((samples, 7, 4))
    mean, std = truth.mean(data), np.broadcast_to(1.3 * truth.std, (7, 4))
    latent_state = mean + std * noise
    predicted = latent_state @ truth.weight.T + truth.bias
    log_likelihood = scipy.stats.norm.logpdf(data, predicted, SIGMA).sum(-1).mean(0)
    return vae, data, noise, mean, std, latent_state, log_likelihood


def kl_by_variable(mean, std):
    return 0.5 * (mean**2 + std**2 - 1) - np.log(std)


def gradients(bound, data, noise, weights=1.0):
    """Of the weighted sum: for W and b of the generator, and each row's mean and standard deviation."""
    with mx.autograd.record():
        (bound(nd(data, "float64"), nd(noise, "float64")) * nd(weights * np.ones(len(data)), "float64")).backward()
    generator, net = bound.vae.generator.mean, bound.vae.inference_net
    return [p.grad().asnumpy() for p in (generator.weight, generator.bias, net.mean, net.std)]


def log_weights(noise, data, weight, bias, mean, std):
    """``(k, B)`` for noise ``(k, B, D)``."""
    z = mean + std * noise
    log_likelihood = scipy.stats.norm.logpdf(data, z @ weight.T + bias, SIGMA).sum(-1)
    log_posterior = (scipy.stats.norm.logpdf(noise) - np.log(std)).sum(-1)
    return log_likelihood + scipy.stats.norm.logpdf(z).sum(-1) - log_posterior
