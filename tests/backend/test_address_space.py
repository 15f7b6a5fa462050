"""A bound on memory: what asks for more gets none, and afterwards it may."""

import resource

import numpy as np
import pytest

from gluonvae.backend.address_space import memory_bounded

MB = 1 << 20


def test_what_asks_for_more_gets_none():
    with memory_bounded(300 * MB):
        np.zeros(100 * MB, np.uint8)
        with pytest.raises(MemoryError):
            np.zeros(400 * MB, np.uint8)
    np.zeros(400 * MB, np.uint8)


def test_the_bound_before_is_given_back_and_not_raised():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with memory_bounded(400 * MB):
        tight = resource.getrlimit(resource.RLIMIT_AS)
        with pytest.raises(ValueError, match="out"), memory_bounded(4000 * MB):  # noqa: PT012
            assert resource.getrlimit(resource.RLIMIT_AS) == tight
            raise ValueError("out")
        assert resource.getrlimit(resource.RLIMIT_AS) == tight
    assert resource.getrlimit(resource.RLIMIT_AS) == before
