"""What Gaussian and Laplace likelihoods take from their training data."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.operators import as_numpy
from tests.helpers import nd

KINDS = {"gaussian": ("std", scipy.stats.norm), "laplace": ("scale", scipy.stats.laplace)}
SCALES = ("learned", "per_feature", 0.3)


def generator(likelihood="gaussian", scale="learned", size=3, **options):
    made = gv.generator.LIKELIHOODS.make(
        likelihood,
        {KINDS[likelihood][0]: scale, **options},
        data_dims=size,
        layer_sizes=[5],
        latent_variable_size=2,
    )
    made.initialize()
    return made


def table(rng):
    """Columns of unlike units, far from 0 and near it."""
    return rng.standard_normal((40, 3)) * [1e-3, 1, 1e4] + [0.01, 20, -1e5]


@pytest.mark.parametrize("likelihood", KINDS)
@pytest.mark.parametrize("scale", SCALES)
def test_a_density_is_of_the_data_in_their_units(likelihood, scale, rng):
    """log p(x | z) by SciPy, from what the network's layers compute, in float64."""
    x, z = table(rng), rng.standard_normal((40, 2))
    made = generator(likelihood, scale, standardize=True)
    made.cast("float64")
    made.adapt([x[:25], x[25:]])
    width = 0.3
    if scale != 0.3:
        made.family.shared_scale.set_data(nd(rng.standard_normal(made.family.shared_scale.shape), "float64"))
        width = np.logaddexp(0, as_numpy(made.family.shared_scale.data())) + 1e-3
    hidden, head = made.body[0], made.mean_head
    features = np.tanh(z @ hidden.weight.data().asnumpy().T + hidden.bias.data().asnumpy())
    location = x.mean(0) + x.std(0) * (features @ head.weight.data().asnumpy().T + head.bias.data().asnumpy())
    truth = KINDS[likelihood][1](location, x.std(0) * width)
    p, latent = made.likelihood(nd(z, "float64")), nd(z, "float64")
    np.testing.assert_allclose(p.log_prob(nd(x, "float64")).asnumpy(), truth.logpdf(x).sum(1), rtol=1e-9)
    np.testing.assert_allclose(made.generate_mean(latent).asnumpy(), location, rtol=1e-9)
    np.testing.assert_allclose(made.generate_mode(latent).asnumpy(), location, rtol=1e-9)
    draws = made.generate_sample(nd(np.repeat(z[:1], 4000, 0), "float64")).asnumpy()
    for column in range(3):
        of_column = KINDS[likelihood][1](location[0, column], (x.std(0) * width)[column])
        assert scipy.stats.kstest(draws[:, column], of_column.cdf).pvalue > 1e-4


@pytest.mark.parametrize("likelihood", KINDS)
@pytest.mark.parametrize("scale", ["learned", "per_feature"])
def test_a_learned_scale_of_standardised_data_starts_at_1(likelihood, scale, rng):
    made, x = generator(likelihood, scale, standardize=True), table(rng)
    made.adapt([x])
    _, width = made(nd(rng.standard_normal((2, 2))))
    np.testing.assert_allclose(width.asnumpy(), np.tile(x.std(0), (2, 1)), rtol=1e-6)


def test_without_standardising_a_learned_scale_starts_from_the_data(rng):
    """At the root mean square of each column, or the median of these; an outlier, or columns of zeros, do no harm."""
    x = rng.standard_normal((40, 5)) * [0.3, 2, 5, 0, 1] + [0, 1, 100, 0, 0]
    x[0, 4] = 1e15
    squares = np.sqrt((x**2).mean(0))
    wanted = {"per_feature": np.where(squares > 0, squares, 2e-3), "learned": np.median(squares[[0, 1, 2, 4]])}
    for scale, start in wanted.items():
        made = generator(scale=scale, size=5)
        made.cast("float64")
        assert made.needs_adapting
        made.adapt([x[:3], x[3:]])
        assert not made.needs_adapting
        width = made(nd(np.zeros((1, 2)), "float64"))[1].asnumpy()
        np.testing.assert_allclose(width, np.broadcast_to(start, (1, 5)), rtol=1e-9)


def test_a_learned_scale_that_was_trained_stays(rng):
    made = generator()
    made.family.shared_scale.set_data(nd([0.7]))
    assert not made.needs_adapting
    made.adapt([table(rng)])
    assert made.family.shared_scale.data().asscalar() == np.float32(0.7)


def test_constant_columns_have_standard_deviation_1():
    """Also where the sum of their values is rounded, and where a float32 cannot tell them apart."""
    x = np.full((1000, 4), [0.0, 0.3, 1e6, 1e-35])
    x[::2, 2] += 1e-3
    x[0, 3] = 0
    made = generator(size=4, standardize=True)
    made.adapt([x])
    np.testing.assert_array_equal(made.family.data_std.data().asnumpy(), np.ones(4))
    np.testing.assert_allclose(made.family.data_mean.data().asnumpy(), x.mean(0), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", gv.BFLOAT16])
def test_whether_it_needs_adapting_is_saved(dtype, rng, tmp_path):
    made = generator(standardize=True)
    made.cast(dtype)
    assert made.needs_adapting
    made.adapt([table(rng)])
    assert not made.needs_adapting
    made.save_parameters(str(tmp_path / "parameters"))
    other = generator(standardize=True)
    other.cast(dtype)
    other.load_parameters(str(tmp_path / "parameters"))
    assert not other.needs_adapting
    for name in ("data_mean", "data_std"):
        one, two = (as_numpy(getattr(of.family, name).data()) for of in (made, other))
        np.testing.assert_array_equal(one, two)


def test_others_take_nothing(rng):
    for name in ("poisson", "bernoulli_prod"):
        made = gv.generator.LIKELIHOODS.make(name, {}, data_dims=3, layer_sizes=[5], latent_variable_size=2)
        made.initialize()
        assert not made.needs_adapting
        assert made.adapt([table(rng)]) is None
    assert not generator(scale=0.3).needs_adapting
    assert not generator(scale="per_pixel").needs_adapting
