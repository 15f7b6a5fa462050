"""Correlated Gaussians of full covariance, of low rank and rotated: densities, moments, divergences, both modes."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae import flows
from tests.helpers import assert_function_agrees, nd


def factors(rng, batch, size):
    """Lower triangular matrices with a positive diagonal, ``(batch, size, size)``."""
    below = np.tril(rng.standard_normal((batch, size, size)), -1)
    return below + np.eye(size) * rng.uniform(0.3, 2, (batch, size, 1))


def full_covariance(rng, batch, size, dtype="float64"):
    mean, factor = rng.standard_normal((batch, size)), factors(rng, batch, size)
    return gv.MultivariateNormal(nd(mean, dtype), nd(factor, dtype)), mean, factor @ factor.transpose(0, 2, 1)


def low_rank(rng, batch, size, rank=2, dtype="float64"):
    mean, std, factor = (
        rng.standard_normal((batch, size)),
        rng.uniform(0.3, 2, (batch, size)),
        rng.standard_normal((batch, size, rank)),
    )
    covariance = np.eye(size) + factor @ factor.transpose(0, 2, 1)
    covariance *= std[:, :, None] * std[:, None, :]
    return gv.LowRankNormal(nd(mean, dtype), nd(std, dtype), nd(factor, dtype)), mean, covariance


GAUSSIANS = {"full covariance": full_covariance, "low rank": low_rank}


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_correlated_gaussians_are_scipys(name, size, rng):
    q, mean, covariance = GAUSSIANS[name](rng, 7, size)
    x = 2 * rng.standard_normal((3, 7, size))
    expected = [scipy.stats.multivariate_normal(m, c).logpdf(x[:, i]) for i, (m, c) in enumerate(zip(mean, covariance))]
    np.testing.assert_allclose(q.log_prob(nd(x, "float64")).asnumpy(), np.stack(expected, axis=-1), rtol=1e-9)


@pytest.mark.parametrize("name", GAUSSIANS)
def test_draws_of_correlated_gaussians_have_their_moments(name, rng):
    """A draw is linear in its noise: the covariance is the matrix of the map times its transpose."""
    q, mean, covariance = GAUSSIANS[name](rng, 7, 4)
    size = {"full covariance": 4, "low rank": 6}[name]
    noise = np.concatenate([np.eye(size), np.zeros((1, size))])
    noise = np.broadcast_to(noise[:, None], (size + 1, 7, size))
    *columns, at_zero = q.rsample(nd(noise, "float64")).asnumpy()
    np.testing.assert_allclose(at_zero, mean)
    np.testing.assert_array_equal(q.mean.asnumpy(), mean)
    matrix = np.stack(columns, axis=-1) - mean[..., None]
    np.testing.assert_allclose(matrix @ matrix.transpose(0, 2, 1), covariance, rtol=1e-9, atol=1e-9)


def rotated(rng, batch, size, dtype="float64"):
    """A diagonal Gaussian and two reflections, with the covariance by matrices in NumPy."""
    chain = flows.Chain([flows.Householder(size, 3), flows.Householder(size, 3)])
    chain.initialize()
    chain.cast(dtype)
    context = nd(rng.standard_normal((batch, 3)), dtype)
    mean, std = rng.standard_normal((batch, size)), rng.uniform(0.3, 2, (batch, size))
    q = gv.Rotated(gv.Normal(nd(mean, dtype), nd(std, dtype)), chain, context)
    turned, covariance = mean[..., None], np.eye(size) * std[:, None] ** 2
    for flow in chain._children.values():
        (normal,) = (x.asnumpy() for x in flow.parameters(None, context))
        reflection = np.eye(size) - 2 * normal[:, :, None] * normal[:, None] / (normal**2).sum(-1)[:, None, None]
        turned, covariance = reflection @ turned, reflection @ covariance @ reflection
    return q, turned[..., 0], covariance


CORRELATED = {**GAUSSIANS, "rotated": rotated}


def gaussian_kl(mean, covariance, p_mean, p_std):
    """The textbook's KL of two Gaussians, the second of diagonal covariance."""
    size = mean.shape[-1]
    terms = (np.diagonal(covariance, axis1=-2, axis2=-1) + (mean - p_mean) ** 2) / p_std**2 + 2 * np.log(p_std)
    return 0.5 * (terms.sum(-1) - size - np.linalg.slogdet(covariance)[1])


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", CORRELATED)
def test_kl_to_a_standard_normal(name, size, rng):
    q, mean, covariance = CORRELATED[name](rng, 7, size)
    kl = gv.kl_divergence(q, gv.StandardNormal()).asnumpy()
    np.testing.assert_allclose(kl, gaussian_kl(mean, covariance, 0.0, np.ones(size)), rtol=1e-9)


@pytest.mark.parametrize("shared", [True, False], ids=["one p", "a p each"])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_kl_to_a_diagonal_gaussian(name, shared, rng):
    q, mean, covariance = GAUSSIANS[name](rng, 7, 4)
    shape = (4,) if shared else (7, 4)
    p_mean, p_std = rng.standard_normal(shape), rng.uniform(0.3, 2, shape)
    kl = gv.kl_divergence(q, gv.Normal(nd(p_mean, "float64"), nd(p_std, "float64"))).asnumpy()
    np.testing.assert_allclose(kl, gaussian_kl(mean, covariance, p_mean, np.broadcast_to(p_std, mean.shape)), rtol=1e-9)


@pytest.mark.parametrize("name", CORRELATED)
def test_kl_against_sampling(name, rng):
    q, *_ = CORRELATED[name](rng, 6, 3)
    p = gv.StandardNormal()
    size = 5 if name == "low rank" else 3
    z, log_prob = q.rsample_and_log_prob(nd(rng.standard_normal((40_000, 6, size)), "float64"))
    terms = (log_prob - p.log_prob(z)).asnumpy()
    error = terms.std(0) / np.sqrt(len(terms))
    assert (abs(gv.kl_divergence(q, p).asnumpy() - terms.mean(0)) < 4.5 * error).all()


def triangle(mean, factor):
    """For a matrix of any values: one that may be a Cholesky factor."""
    F = gv.backend.operators.namespace(factor)
    diagonal = F.linalg.extractdiag(factor)
    below = F.linalg.maketrian(F.linalg.extracttrian(factor, offset=-1), offset=-1)
    return gv.MultivariateNormal(mean, below + F.linalg.makediag(F.square(diagonal) + 0.5))


def spread(mean, std, factor):
    return gv.LowRankNormal(mean, gv.backend.operators.softplus(std) + 0.2, factor)


def both(value, log_prob):
    return gv.backend.operators.sum_last(value) + log_prob


def normals(rng, batch, *shapes):
    return [rng.standard_normal(shape) for shape in ((batch, 3), *((*lead, batch, *rest) for lead, rest in shapes))]


# name: (function of tensors, which arrays to call it with at batch B)
FUNCTIONS = {
    "MultivariateNormal.log_prob": (
        lambda mean, factor, x: triangle(mean, factor).log_prob(x),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((2,), (3,))),
    ),
    "MultivariateNormal.rsample_and_log_prob": (
        lambda mean, factor, noise: both(*triangle(mean, factor).rsample_and_log_prob(noise)),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((2,), (3,))),
    ),
    "LowRankNormal.log_prob": (
        lambda mean, std, factor, x: spread(mean, std, factor).log_prob(x),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((2,), (3,))),
    ),
    "LowRankNormal.rsample_and_log_prob": (
        lambda mean, std, factor, noise: both(*spread(mean, std, factor).rsample_and_log_prob(noise)),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((), (5,))),
    ),
    "kl(MultivariateNormal, Normal)": (
        lambda mean, factor, p: gv.kl_divergence(
            triangle(mean, factor), gv.Normal(p, gv.backend.operators.softplus(p) + 0.2)
        ),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((), (3,))),
    ),
    "kl(LowRankNormal, Normal)": (
        lambda mean, std, factor, p: gv.kl_divergence(
            spread(mean, std, factor), gv.Normal(p, gv.backend.operators.softplus(p) + 0.2)
        ),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((), (3,))),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_in_both_modes(name):
    assert_function_agrees(*FUNCTIONS[name])
