"""The table of likelihoods: a row each, with the truth about each from scipy."""

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
import scipy.special
import scipy.stats

from gluonvae.generator import count_families, discretized_logistic, location_scale
from tests.truths.likelihoods import (
    LEVELS,
    Continuous,
    Discrete,
    Inflated,
    K,
    OneHot,
    RoundedLogistics,
    TiltedUniform,
)

X = 6
"""Values of a data point: two variables of three categories."""


def _softplus(x):
    return np.logaddexp(0, x)


def _scale(raw):
    return _softplus(raw) + location_scale.MIN_SCALE


def _components(x):
    """``(..., K * X)`` as ``(K, ..., X)``"""
    return np.stack(np.split(x, K, axis=-1))


def _rounded_mixture(logits, mean, raw_scale):
    scale = _softplus(_components(raw_scale)) + discretized_logistic.MIN_SCALE
    weight = scipy.special.softmax(_components(logits), axis=0)
    return Discrete(RoundedLogistics(weight, _components(mean), scale), LEVELS)


def _rounded(mean, raw_scale):
    scale = _softplus(raw_scale) + discretized_logistic.MIN_SCALE
    return Discrete(RoundedLogistics(np.ones((1, *mean.shape)), mean[None], scale[None]), LEVELS)


def _expected(log_mean):
    return np.clip(np.exp(log_mean), count_families.MIN_MEAN, count_families.MAX_MEAN)


def _nbinom(log_mean, raw_dispersion):
    mean, dispersion = _expected(log_mean), _softplus(raw_dispersion) + count_families.MIN_DISPERSION
    return scipy.stats.nbinom(dispersion, dispersion / (dispersion + mean))


def _negative_binomial(log_mean, raw_dispersion):
    return Discrete(_nbinom(log_mean, raw_dispersion), np.arange(2000.0))


def _inflated_negative_binomial(log_mean, raw_dispersion, gate_logits):
    return Discrete(Inflated(_nbinom(log_mean, raw_dispersion), gate_logits), np.arange(2000.0))


def _one_hot(labels, categories):
    return np.eye(categories)[labels].reshape(*labels.shape[:-1], -1)


def normal(scale=1.0, centre=0.0):
    return lambda rng, *shape: centre + scale * rng.standard_normal(shape)


class Row(NamedTuple):
    """A likelihood: ``name`` and ``options`` make it; ``raw`` draws each of the numbers that its network may
    return, of ``width`` times X; ``truth`` of those is what scipy says; ``data`` draws values in its support;
    ``digits`` makes its own kind of data of 8-bit images; ``extreme`` are values at the ends of the support;
    ``wrong`` are values outside it, and what the message must hold; ``adapted`` says whether its constants are
    taken from :func:`training_data`."""

    name: str
    options: dict[str, Any]
    raw: Sequence[Callable[..., np.ndarray]]
    truth: Callable[..., Any]
    data: Callable[..., np.ndarray]
    digits: Callable[[np.ndarray], np.ndarray]
    extreme: Sequence[float]
    wrong: Sequence[tuple[Sequence[float], str]]
    width: int = 1
    digits_options: Optional[dict[str, Any]] = None
    adapted: bool = False


def units(size):
    """Means and standard deviations of the columns of :func:`training_data`, numbers that a float32 holds."""
    return np.resize([-2, 0, 1, 0.5], size), np.resize([0.5, 1, 2], size)


def training_data(size):
    """Rows ``(2, size)`` with the moments of :func:`units`."""
    mean, std = units(size)
    return np.stack([mean - std, mean + std])


def _standardised(kind):
    """The truth of a likelihood whose location and scale, ``(..., size)``, are of standardised data."""

    def truth(location, raw_scale):
        mean, std = units(location.shape[-1])
        return Continuous(kind(mean + std * location, std * _scale(raw_scale)))

    return truth


BINARISE = r"binarise the images, as gluonvae\.data\.Dataset"
GREY_FIT = r"or use .*ContinuousBernoulliGenerator \(likelihood 'continuous_bernoulli'\)"
COUNT_FIT = (
    r"or use PoissonGenerator \(likelihood 'poisson'\), NegativeBinomialGenerator \(likelihood 'negative_binomial'\)"
)
AND_OTHERS = r"(, \w+ \(likelihood '\w+'\))*$"  # of the same support
REAL_FIT = r"or use GaussianGenerator \(likelihood 'gaussian'\), LaplaceGenerator \(likelihood 'laplace'\)" + AND_OTHERS
NOT_FINITE = (
    ([0, np.nan, 0, 0, 0, 0], r"data has nan at \(0, 1\)"),
    ([0, 0, np.inf, 0, 0, 0], r"data has inf at \(0, 2\)"),
)
FRACTIONS = (
    (
        [0, 0, 0.5, 3, 0, 1],
        r"data must be between 0 and 1 for a product of continuous Bernoullis, got values above 1 such as 3 "
        r"\(1 of 6, range 0 to 3\): scale the values.*'grey'\) does with 8-bit images, " + REAL_FIT,
    ),
    ([0, 0, 9, 3, 0, 1], COUNT_FIT),
    ([0, -2, 0, 0, 0, 1], "got negative values such as -2 .*" + REAL_FIT),
    *NOT_FINITE,
)
EIGHT_BITS = (
    (
        [0, 1, 0.5, 0, 0, 0],
        r"must be fractions n / 255 of 8-bit images .*got values that are not n / 255 such as 0\.5 .*" + GREY_FIT,
    ),
    ([0, 255, 128, 0, 0, 0], "such as 255 .*as gluonvae.*'grey'\\) scales them, " + COUNT_FIT),
    ([0, -1, 0, 0, 0, 0], "got negative values such as -1"),
    *NOT_FINITE,
)
WHOLE = (
    ([0, 0.5, 1, 2, 3, 4], r"data must be counts 0, 1, 2, \.\.\. for a .*, got fractions such as 0\.5 .*" + REAL_FIT),
    ([0, -1, 1, 2, 3, 4], "got negative values such as -1 .*" + REAL_FIT),
    ([0, 0.3, 1, 0, 0, 0], GREY_FIT),
    *NOT_FINITE,
)


def _grey(rng, *shape):
    return rng.random(shape)


def _real(rng, *shape):
    return 2 * rng.standard_normal(shape)


def _eight_bits(rng, *shape):
    return rng.integers(0, 256, shape) / 255


def _counts(rng, *shape):
    return rng.poisson(rng.gamma(1, 3, shape))


def _fractions(images):
    return images / 255


def _as_they_are(images):
    return images


def _location_scale(name, option, value, truth, parameters=2, standardize=False):
    return Row(
        name,
        {**({} if value is None else {option: value}), **({"standardize": True} if standardize else {})},
        [normal()] * parameters,
        truth,
        _real,
        _fractions,
        [-1e4, 0, 1e4],
        NOT_FINITE,
        adapted=standardize,
    )


def _of_counts(name, raw, truth, **options):
    return Row(name, options, raw, truth, _counts, _as_they_are, [0, 1, 1e4], WHOLE)


ROWS = {
    "bernoulli_prod": Row(
        "bernoulli_prod",
        {},
        [normal(2)],
        lambda logits: Discrete(scipy.stats.bernoulli(scipy.special.expit(logits)), np.arange(2.0)),
        lambda rng, *shape: rng.integers(0, 2, shape),
        lambda images: images >= 128,
        [0, 1],
        (
            ([0, 0.3, 1, 0, 0, 0], f"must be 0 or 1 everywhere .*got grey values such as 0.3.*{BINARISE}.*{GREY_FIT}"),
            ([0, 255, 1, 0, 0, 0], f"{BINARISE}.*{COUNT_FIT}"),
            ([0, -0.3, 1, 0, 0, 0], f"got negative values.*{REAL_FIT}"),
            *NOT_FINITE,
        ),
    ),
    "continuous_bernoulli": Row(
        "continuous_bernoulli",
        {},
        [normal(3)],
        lambda logits: Continuous(TiltedUniform(logits)),
        _grey,
        _fractions,
        [0, 0.5, 1],
        FRACTIONS,
    ),
    "gaussian": _location_scale("gaussian", "std", None, lambda m, s: Continuous(scipy.stats.norm(m, _scale(s)))),
    "gaussian, fixed": _location_scale("gaussian", "std", 0.3, lambda m: Continuous(scipy.stats.norm(m, 0.3)), 1),
    "gaussian, per pixel": _location_scale(
        "gaussian", "std", "per_pixel", lambda m, s: Continuous(scipy.stats.norm(m, _scale(s)))
    ),
    "gaussian, per feature": _location_scale(
        "gaussian", "std", "per_feature", lambda m, s: Continuous(scipy.stats.norm(m, _scale(s)))
    ),
    "gaussian, standardised": _location_scale(
        "gaussian", "std", "per_pixel", _standardised(scipy.stats.norm), standardize=True
    ),
    "laplace": _location_scale("laplace", "scale", None, lambda m, s: Continuous(scipy.stats.laplace(m, _scale(s)))),
    "laplace, fixed": _location_scale("laplace", "scale", 2, lambda m: Continuous(scipy.stats.laplace(m, 2)), 1),
    "laplace, per pixel": _location_scale(
        "laplace", "scale", "per_pixel", lambda m, s: Continuous(scipy.stats.laplace(m, _scale(s)))
    ),
    "laplace, per feature": _location_scale(
        "laplace", "scale", "per_feature", lambda m, s: Continuous(scipy.stats.laplace(m, _scale(s)))
    ),
    "laplace, standardised": _location_scale(
        "laplace", "scale", "per_pixel", _standardised(scipy.stats.laplace), standardize=True
    ),
    "discretized_logistic": Row(
        "discretized_logistic",
        {},
        [normal(0.5, 0.5), normal(1, -3)],
        _rounded,
        _eight_bits,
        _fractions,
        [0, 100 / 255, 1],
        EIGHT_BITS,
    ),
    "discretized_logistic_mixture": Row(
        "discretized_logistic_mixture",
        {"components": K},
        [normal(), normal(0.5, 0.5), normal(1, -3)],
        _rounded_mixture,
        _eight_bits,
        _fractions,
        [0, 100 / 255, 1],
        EIGHT_BITS,
        width=K,
    ),
    "categorical": Row(
        "categorical",
        {"categories": K},
        [normal(2)],
        OneHot,
        lambda rng, *shape: _one_hot(rng.integers(0, K, (*shape[:-1], shape[-1] // K)), K),
        lambda images: _one_hot((images >= 128).astype(int), 2),
        [],
        (
            (
                [0, 1, 0, 1, 1, 0],
                r"data must be one-hot in blocks of 3 for a categorical likelihood, got blocks with 2 ones \(1 of 2 "
                r"blocks\): make a block of 3 of each label, as mx\.nd\.one_hot\(labels, 3\) does, or use "
                r"ProductOfBernoullisGenerator \(likelihood 'bernoulli_prod'\)" + AND_OTHERS,
            ),
            ([0, 0, 0, 0, 1, 0], "got blocks with no ones"),
            ([0.5, 0.5, 0, 0, 1, 0], f"got values other than 0 and 1 such as 0.5.*{GREY_FIT}"),
            ([2, -1, 0, 0, 1, 0], f"got negative values such as -1 .*{REAL_FIT}"),
            ([2, 0, 0, 0, 1, 0], f"{COUNT_FIT}"),
            *NOT_FINITE,
        ),
        digits_options={"categories": 2},
    ),
    "poisson": _of_counts(
        "poisson",
        [normal(1, 1)],
        lambda log_rate: Discrete(scipy.stats.poisson(_expected(log_rate)), np.arange(400.0)),
    ),
    "negative_binomial": _of_counts("negative_binomial", [normal(1, 1), normal(2)], _negative_binomial),
    "negative_binomial, dispersion of the network": _of_counts(
        "negative_binomial", [normal(1, 1), normal(2)], _negative_binomial, dispersion="network"
    ),
    "zero_inflated_poisson": _of_counts(
        "zero_inflated_poisson",
        [normal(1, 1), normal(2)],
        lambda log_rate, gate_logits: Discrete(
            Inflated(scipy.stats.poisson(_expected(log_rate)), gate_logits), np.arange(400.0)
        ),
    ),
    "zero_inflated_negative_binomial": _of_counts(
        "zero_inflated_negative_binomial", [normal(1, 1), normal(2), normal(2)], _inflated_negative_binomial
    ),
}

LIBRARIES = {
    f"{name}, {library} library": ROWS[name]._replace(options={**ROWS[name].options, "library": library})
    for name, library in (
        ("poisson", "observed"),
        ("negative_binomial", "latent"),
        ("zero_inflated_poisson", "latent"),
        ("zero_inflated_negative_binomial", "observed"),
        ("negative_binomial, dispersion of the network", "observed"),
    )
}
"""Likelihoods that take library sizes: options and data alone, as their truths are of all values of a row together."""
