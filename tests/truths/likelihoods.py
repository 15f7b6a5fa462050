"""What densities and mass functions should be: from scipy, or made of its functions."""

import numpy as np
import scipy.special
import scipy.stats

K = 3
"""Components of the mixture, categories of the categorical."""


class Continuous:
    """What a density should be; ``frozen`` has scipy's ``logpdf``, ``mean`` and ``cdf``."""

    def __init__(self, frozen):
        self.frozen = frozen
        self.mean = frozen.mean()

    def log_prob(self, x):
        return self.frozen.logpdf(x).sum(-1)

    def p_value(self, draws):
        """The smallest of the columns' Kolmogorov-Smirnov tests that ``draws`` (N, X) come from here."""
        uniform = self.frozen.cdf(draws)
        return min(scipy.stats.kstest(column, "uniform").pvalue for column in uniform.T)


class Discrete:
    """What a mass function should be; ``frozen`` has scipy's ``logpmf`` and ``mean``, ``grid`` all values
    that matter."""

    def __init__(self, frozen, grid):
        self.frozen, self.grid = frozen, grid
        self.mean = frozen.mean()

    def log_prob(self, x):
        return self.frozen.logpmf(x).sum(-1)

    def p_value(self, draws):
        """The smallest of the columns' chi-square tests; for one row of parameters."""
        mass = np.exp(self.frozen.logpmf(self.grid[:, None])).T
        return min(_chi_square(column, self.grid, p) for column, p in zip(draws.T, mass))


def _chi_square(draws, grid, mass):
    """Of values counted in classes that are expected at least ten times, and of those that are not on the grid."""
    place = np.searchsorted(grid, draws - 1e-5)
    order = np.argsort(-mass)
    expected, counted = len(draws) * mass[order], np.bincount(place, minlength=len(grid) + 1)[:-1][order]
    classes = np.count_nonzero(expected >= 10)
    rest = len(draws) - counted[:classes].sum(), len(draws) - expected[:classes].sum()
    if rest[1] < 1:
        return scipy.stats.chisquare(
            counted[:classes], expected[:classes] * counted[:classes].sum() / len(draws)
        ).pvalue
    return scipy.stats.chisquare(np.append(counted[:classes], rest[0]), np.append(expected[:classes], rest[1])).pvalue


class Inflated:
    """Counts of ``frozen`` that are 0 besides with the probability of ``logits``."""

    def __init__(self, frozen, logits):
        self.frozen = frozen
        self.log_zero, self.log_counts = scipy.special.log_expit(logits), scipy.special.log_expit(-logits)

    def logpmf(self, x):
        of_counts = self.log_counts + self.frozen.logpmf(x)
        return np.where(x == 0, np.logaddexp(self.log_zero, of_counts), of_counts)

    def mean(self):
        return np.exp(self.log_counts) * self.frozen.mean()


class OneHot:
    """Blocks of K of which one is 1, with the softmax of ``logits`` as probabilities."""

    grid = None

    def __init__(self, logits):
        self.probabilities = scipy.special.softmax(logits.reshape(*logits.shape[:-1], -1, K), axis=-1)
        self.mean = self.probabilities.reshape(logits.shape)

    def log_prob(self, x):
        blocks = x.reshape(*x.shape[:-1], -1, K)
        return scipy.stats.multinomial.logpmf(blocks, 1, self.probabilities).sum(-1)

    def p_value(self, draws):
        blocks = draws.reshape(len(draws), -1, K)
        assert (blocks.sum(-1) == 1).all()
        return min(
            scipy.stats.chisquare(blocks[:, i].sum(0), len(draws) * p).pvalue
            for i, p in enumerate(self.probabilities[0])
        )


class TiltedUniform:
    """The density proportional to exp(l x) on [0, 1]: scipy's truncated exponential, or its mirror image."""

    def __init__(self, tilt):
        self.up = tilt > 0
        self.falling = scipy.stats.truncexpon(np.abs(tilt), scale=1 / np.abs(tilt))

    def logpdf(self, x):
        return self.falling.logpdf(np.where(self.up, 1 - x, x))

    def mean(self):
        return np.where(self.up, 1 - self.falling.mean(), self.falling.mean())

    def cdf(self, x):
        return np.where(self.up, self.falling.sf(1 - x), self.falling.cdf(x))


LEVELS = np.arange(256) / 255


class RoundedLogistics:
    """Mixtures, over the first axis, of logistic variables rounded to the nearest of LEVELS."""

    def __init__(self, weight, mean, scale):
        edges = (np.arange(255) + 0.5) / 255
        # (K, ..., 255)
        logistic = scipy.stats.logistic(mean[..., None], scale[..., None])
        below, above = logistic.cdf(edges), logistic.sf(edges)
        ends = np.zeros((*mean.shape, 1)), np.ones((*mean.shape, 1))
        below, above = np.concatenate([ends[0], below, ends[1]], -1), np.concatenate([ends[1], above, ends[0]], -1)
        # from the side where no digits are lost
        mass = np.where(below[..., 1:] < 0.5, np.diff(below), -np.diff(above))
        self.mass = (weight[..., None] * mass).sum(0)

    def logpmf(self, x):
        levels = np.rint(255 * x).astype(int)
        mass = np.broadcast_to(self.mass, (*np.broadcast_shapes(levels.shape, self.mass.shape[:-1]), 256))
        with np.errstate(divide="ignore"):
            return np.log(np.take_along_axis(mass, np.broadcast_to(levels, mass.shape[:-1])[..., None], -1)[..., 0])

    def mean(self):
        return (self.mass * LEVELS).sum(-1)
