"""Layers of latent variables worked out in NumPy, and a linear chain whose evidence and posterior are known exactly."""

import numpy as np
import scipy.stats

import gluonvae as gv
from gluonvae.inference import MIN_STD
from tests.helpers import nd
from tests.truths.linear_gaussian import SIGMA, LinearGaussian


def dense(layer, x):
    return x @ layer.weight.data().asnumpy().T + layer.bias.data().asnumpy()


def mlp(block, x):
    for layer in block:
        x = dense(layer, x) if hasattr(layer, "weight") else np.tanh(x)
    return x


def std(x):
    return np.logaddexp(0, x) + MIN_STD


def heads(network, features, deviation=std):
    return dense(network.mean_head, features), deviation(dense(network.std_head, features))


def worked_out(vae, data, noise):
    """z, and log q and log p of each layer at it, of noise ``(..., B, D)``: by NumPy, a layer at a time."""
    net, sizes = vae.inference_net, vae.prior.latent_sizes
    pieces = np.split(noise, np.cumsum(sizes)[:-1], axis=-1)

    def prior(layer, above):
        network = vae.prior.lower[len(sizes) - 2 - layer]
        return heads(network, mlp(network.body, above), np.exp)

    features = mlp(net.body, data)
    lowest = mlp(net.mean_head, features), std(mlp(net.std_head, features))
    z, of_q = [None] * len(sizes), [None] * len(sizes)
    if isinstance(net, gv.LadderInferenceNetwork):
        estimates = [lowest]
        for network in net.family.upper:
            features = mlp(network.body, features)
            estimates.append(heads(network, features))
        for layer in reversed(range(len(sizes))):
            of_q[layer] = mean, deviation = estimates[layer]
            if layer < len(sizes) - 1:
                mean_p, std_p = prior(layer, z[layer + 1])
                precision = 1 / deviation**2 + 1 / std_p**2
                of_q[layer] = (mean / deviation**2 + mean_p / std_p**2) / precision, precision**-0.5
            z[layer] = of_q[layer][0] + of_q[layer][1] * pieces[layer]
    else:
        for layer, network in enumerate([None, *net.family.upper]):
            of_q[layer] = heads(network, mlp(network.body, z[layer - 1])) if layer else lowest
            z[layer] = of_q[layer][0] + of_q[layer][1] * pieces[layer]
    of_p = [*(prior(layer, z[layer + 1]) for layer in range(len(sizes) - 1)), (0, 1)]
    scored = lambda of: [scipy.stats.norm.logpdf(x, *parameters).sum(-1) for x, parameters in zip(z, of)]  # noqa: E731
    return np.concatenate(z, axis=-1), scored(of_q), scored(of_p)


class Chain:
    """The truth about z_L ~ N(0, 1), z_l ~ N(slope_l z_{l+1} + shift_l, spread_l²), x ~ N(W z_1 + b, SIGMA²), W of
    orthogonal columns: given the data, latent variables of one layer are independent."""

    def __init__(self, rng, layers, size=2, data_dims=4):
        self.sizes = [size] * layers
        self.weight = np.linalg.qr(rng.standard_normal((data_dims, size)))[0] * np.linspace(1, 1.5, size)
        self.bias = rng.standard_normal(data_dims)
        self.slope, self.spread = rng.uniform(0.5, 1.2, (2, layers - 1, size))
        self.shift = rng.standard_normal((layers - 1, size))
        # of each layer under the prior
        mean, variance = np.zeros((layers, size)), np.ones((layers, size))
        for layer in reversed(range(layers - 1)):
            mean[layer] = self.slope[layer] * mean[layer + 1] + self.shift[layer]
            variance[layer] = self.slope[layer] ** 2 * variance[layer + 1] + self.spread[layer] ** 2
        self.mean, self.variance = mean, variance
        covariance = (self.weight * variance[0]) @ self.weight.T + SIGMA**2 * np.eye(data_dims)
        self.evidence = scipy.stats.multivariate_normal(self.weight @ mean[0] + self.bias, covariance)

    def seen(self, layer):
        """What the data say of a layer, p(x | z_l) as a Gaussian of it: gain and shift of its mean, and its variance."""
        squares = (self.weight**2).sum(0)
        gain, variance = self.weight.T / squares[:, None], SIGMA**2 / squares
        shift = -gain @ self.bias
        for slope, spread, moved in zip(self.slope[:layer], self.spread[:layer], self.shift[:layer]):
            gain, shift = gain / slope[:, None], (shift - moved) / slope
            variance = (variance + spread**2) / slope**2
        return gain, shift, variance

    def posterior(self, layer):
        """p(z_l | x): gain and shift of its mean, and its variance."""
        gain, shift, variance = self.seen(layer)
        share = self.variance[layer] / (self.variance[layer] + variance)
        return share[:, None] * gain, share * shift + (1 - share) * self.mean[layer], share * variance

    def upwards(self, layer):
        """p(z_{l+1} | z_l): gain and shift of its mean, and its variance."""
        slope, spread, above = self.slope[layer], self.spread[layer], layer + 1
        variance = 1 / (1 / self.variance[above] + slope**2 / spread**2)
        gain = variance * slope / spread**2
        return np.diag(gain), variance * self.mean[above] / self.variance[above] - gain * self.shift[layer], variance

    def model(self, latent_type, wider=1.0, dtype="float64"):
        """A VAE of the true generator and prior, whose posterior is exact but for standard deviations times ``wider``."""
        layers = len(self.sizes)
        kind = gv.inference.POSTERIORS[latent_type]
        vae = gv.VAE(
            LinearGaussian(len(self.bias), self.sizes[0]),
            kind(self.sizes, [], data_dims=len(self.bias), between_layer_sizes=[]),
            gv.HierarchicalPrior(self.sizes, layer_sizes=[]),
        )
        vae.initialize()
        vae.cast(dtype)
        vae.generator.mean.weight.set_data(nd(self.weight, dtype))
        vae.generator.mean.bias.set_data(nd(self.bias, dtype))
        for layer, network in zip(reversed(range(layers - 1)), vae.prior.lower):
            _set(network, np.diag(self.slope[layer]), self.shift[layer], np.log(self.spread[layer]), dtype)
        net = vae.inference_net
        if latent_type == "ladder":
            parts = [self.seen(layer) for layer in range(layers - 1)] + [self.posterior(layers - 1)]
        else:
            parts = [self.posterior(0)] + [self.upwards(layer) for layer in range(layers - 1)]
        for number, (gain, shift, variance) in enumerate(parts):
            deviation = np.log(np.expm1(wider * np.sqrt(variance) - MIN_STD))
            _set(net.family.upper[number - 1] if number else net, gain, shift, deviation, dtype)
        return vae


def _set(network, gain, shift, deviation, dtype):
    """Have the two heads of a network give ``gain x + shift`` and ``deviation``, which is not positive yet."""
    last = lambda head: head if hasattr(head, "weight") else head[-1]  # noqa: E731
    mean_head, std_head = last(network.mean_head), last(network.std_head)
    mean_head.weight.set_data(nd(gain, dtype))
    mean_head.bias.set_data(nd(shift, dtype))
    std_head.weight.set_data(nd(np.zeros(gain.shape), dtype))
    std_head.bias.set_data(nd(deviation, dtype))
