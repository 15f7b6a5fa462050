"""Which devices may be named."""

import pytest

from gluonvae.backend.runtime import device

# name: (what is called, error, message)
CONSTRUCTIONS = {
    "device": (lambda: device("tpu"), ValueError, "device must be cpu, gpu or gpu:N, got 'tpu'"),
    "device number": (lambda: device("cpu:3"), ValueError, "device must be cpu, gpu or gpu:N"),
    "GPU that is not there": (lambda: device("gpu:99"), ValueError, r"device gpu:99 is not there: MXNet sees \d+ GPU"),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_constructions(name):
    call, error, message = CONSTRUCTIONS[name]
    with pytest.raises(error, match=message):
        call()
