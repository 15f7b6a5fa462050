"""A likelihood of the table, made and given what its network returns."""

import pytest

import gluonvae as gv
from gluonvae.distributions.scales import positive
from gluonvae.generator import location_scale
from gluonvae.generator.count_families import CountFamily
from tests.helpers.models import small_vae
from tests.helpers.tensors import nd
from tests.tables.likelihoods import ROWS, X, training_data

every_likelihood = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def make(row, size=X, dtype="float32", **options):
    generator = gv.generator.LIKELIHOODS.make(
        row.name, {**row.options, **options}, data_dims=size, layer_sizes=[5], latent_variable_size=4
    )
    if row.adapted:
        generator.family.initialize()
        generator.adapt([training_data(size)])
        generator.cast(dtype)
    return generator


def raw_parameters(row, rng, *leading, size=X):
    return [draw(rng, *leading, row.width * size) for draw in row.raw]


def from_raw(generator, *raw):
    """p(x | z) where the network's heads have these outputs; one number more than there are heads stands for what a
    learned parameter of the model has, for each value."""
    family = generator.family
    if len(raw) == len(family.heads) or isinstance(family, CountFamily):
        return family.distribution(*family.parameters(*raw))
    location, scale = raw
    return family.distribution(location, positive(scale, location_scale.MIN_SCALE))


def distribution(row, raw, dtype="float32"):
    generator = make(row, raw[0].shape[-1] // row.width, dtype)
    return from_raw(generator, *(nd(parameter, dtype) for parameter in raw))


def model(row, **changes):
    vae = small_vae(likelihood=row.name, likelihood_options=row.options, **changes)
    if row.adapted:
        vae.adapt(training_data(vae.data_dims))
    return vae


SHAPES = {"(B, X)": ((), ()), "k parameters": ((3,), ()), "k values": ((), (3,))}
"""The leading axes of parameters and of values."""

every_shape = pytest.mark.parametrize("shapes", SHAPES)


def leading_axes(shapes, batch):
    return ((*axes, batch) for axes in SHAPES[shapes])
