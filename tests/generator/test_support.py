"""Data outside a likelihood's support is refused, and told what fits."""

import numpy as np
import pytest

from gluonvae.data import Dataset
from tests.helpers import nd
from tests.helpers.likelihoods import every_likelihood, make
from tests.tables.likelihoods import ROWS, X

WRONG = [(name, *wrong) for name, row in ROWS.items() for wrong in row.wrong]


@pytest.mark.parametrize(("name", "values", "message"), WRONG)
def test_data_outside_the_support_are_told_what_fits(name, values, message, rng):
    generator = make(ROWS[name])
    generator.initialize(force_reinit=True)
    with pytest.raises(ValueError, match=message):
        generator.log_likelihood(nd(rng.standard_normal((1, 4))), nd([values]))


@every_likelihood
def test_what_is_named_as_fitting_fits(row, rng):
    """A likelihood of the same support as one that a message names takes its data, in any of their shapes."""
    generator = make(row)
    for data in (row.data(rng, 50, X), *([row.extreme] if row.extreme else [])):
        generator.check_support("data", np.asarray(data, np.float32))


@every_likelihood
def test_its_own_kind_of_images_are_in_the_support(row, rng):
    generator = make(row)
    images = rng.integers(0, 256, (20, X), dtype=np.uint8)
    if generator.pixels == "none":
        pytest.skip("not a likelihood of images")
    for form in (images, images / 255):
        data = Dataset(form, binarization=generator.pixels)
        for values in data.possible_values():
            generator.check_support("images", values)
        generator.check_support("images", data.batch(slice(None)))
