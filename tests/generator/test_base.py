"""What a generator of a user's own must define."""

import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx


def binary(*shape, dtype="float32"):
    return mx.nd.ones(shape, dtype=dtype)


def test_abstract_blocks_say_what_to_define():
    class Half(gv.Generator):
        pass

    generator = Half(12)
    with pytest.raises(NotImplementedError, match=r"Half must define hybrid_forward"):
        generator(binary(7, 4))
    with pytest.raises(NotImplementedError, match=r"Half must define check_support"):
        generator.log_likelihood(binary(7, 4), binary(7, 12))
