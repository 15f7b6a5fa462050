"""Arrays filled where they lie."""

import gc

import numpy as np
import pytest

from gluonvae.backend import memory
from gluonvae.backend.runtime import mx
from tests.helpers import nd


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_filled_writes_where_the_array_lies(dtype):
    tensor = memory.filled(lambda values: np.copyto(values, np.arange(6).reshape(2, 3)), (2, 3), mx.cpu(), dtype)
    assert tensor.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(tensor.asnumpy(), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal((tensor + 1).asnumpy(), nd([[1, 2, 3], [4, 5, 6]]).asnumpy())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_values_are_set_in_place(dtype):
    tensor, values = mx.nd.zeros((2, 3), dtype=dtype), np.arange(6).reshape(2, 3)
    memory.set_values(tensor, values)
    np.testing.assert_array_equal((tensor + 1).asnumpy(), values + 1)


@pytest.fixture
def nothing_frozen():
    """Of what tests/conftest.py leaves out of the search for garbage."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("nothing_frozen")
def test_earlier_objects_are_left_alone_for_a_while_only():
    gc.collect()
    of_python = gc.get_freeze_count()  # 0, but for Python 3.12
    assert of_python < memory.OF_PYTHON / 2
    with memory.earlier_objects_left_alone():
        assert gc.get_freeze_count() > 10_000
    gc.collect()
    assert gc.get_freeze_count() == of_python
    gc.freeze()
    try:
        with memory.earlier_objects_left_alone():
            pass
        # someone else's are left frozen; a few may have been freed
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
