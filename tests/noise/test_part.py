"""The noise of some rows of a batch is that of the whole."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.distributed.sharing import Within
from gluonvae.noise import MANY, NoiseSource, NoiseSpec, PartOfNoise


@pytest.mark.parametrize("kind", ["normal", "uniform", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("leading", [(7,), (3, 7), (7 * MANY // 5,), (3, MANY // 10)], ids=str)
def test_rows_are_those_of_the_whole(kind, dtype, leading):
    dtype = gv.BFLOAT16 if dtype == "bfloat16" else dtype
    rows, spec = leading[-1], NoiseSpec(kind, 5)
    whole, source = NoiseSource(3), NoiseSource(3)
    wanted = [whole.draw(spec, leading, None, dtype).astype("float32").asnumpy() for _ in range(2)]
    for number, part in enumerate((slice(2, 5), slice(5, rows))):
        drawn = PartOfNoise(source, Within(rows, part)).draw(spec, leading, None, dtype)
        np.testing.assert_array_equal(drawn.astype("float32").asnumpy(), wanted[number][..., part, :])
    assert source.state() == whole.state()
