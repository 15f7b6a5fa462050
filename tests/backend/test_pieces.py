"""Arrays in parts: each value once, in the order of memory, and no more at once than fits."""

import numpy as np
import pytest

from gluonvae.backend.pieces import ARRAYS_A_ROW, blocks, in_pieces, rows_that_fit
from gluonvae.backend.runtime import mx


@pytest.mark.parametrize("leading", [(1,), (7,), (500,), (1, 1), (3, 10), (10, 3), (2, 3, 4)])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 128, 1000])
def test_blocks_are_the_array_in_the_order_of_its_memory(leading, rows):
    array = np.arange(np.prod(leading)).reshape(leading)
    parts = [array[part] for part in blocks(leading, rows)]
    assert np.concatenate([part.ravel() for part in parts]).tolist() == list(range(array.size))
    assert max(part.size for part in parts) <= rows


def test_blocks_are_of_few_sizes():
    assert [part.stop - part.start for (part,) in blocks((500,), 128)] == 4 * [125]
    assert [part.stop - part.start for (part,) in blocks((10,), 4)] == [4, 4, 2]


def test_rows_that_fit_take_the_memory():
    assert rows_that_fit(2**10, memory=ARRAYS_A_ROW) == 2**8
    assert rows_that_fit(2**40) == 1
    with pytest.raises(ValueError, match="memory must be positive, got -1"):
        rows_that_fit(1, -1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_pieces_puts_parts_together(dtype):
    whole = mx.nd.array(np.arange(60).reshape(3, 4, 5), dtype=dtype)
    for rows in (1, 2, 5, 12):
        result = in_pieces(lambda part: 2 * whole[part], (3, 4), blocks((3, 4), rows))
        assert result.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(result.asnumpy(), 2 * whole.asnumpy())


@pytest.mark.parametrize("scope", [mx.autograd.record, mx.autograd.train_mode])
def test_what_is_recorded_or_trained_is_in_one_piece(scope):
    x, sizes = mx.nd.ones((4, 3)), []
    x.attach_grad()

    def compute(part):
        sizes.append(len(x[part]))
        return 2 * x[part]

    with scope():
        y = in_pieces(compute, (4,), blocks((4,), 1))
    assert sizes == [4]
    if scope is mx.autograd.record:
        y.backward()
        np.testing.assert_array_equal(x.grad.asnumpy(), np.full((4, 3), 2))
