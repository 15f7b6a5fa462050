"""Signals that arrive in the midst of a compiled pass damage nothing."""

import subprocess
import sys

import pytest

from gluonvae.backend.regions.availability import why_no_products

PASSES = """
import signal
import time
import numpy as np
import gluonvae as gv
from mxnet import nd

arrived = []
data = nd.array(np.random.default_rng(0).normal(size=(500, 784)))
network = gv.networks.MLP([8], in_units=784)
network.initialize()
network.hybridize({flags})
alone = network(data).asnumpy()
signal.signal(signal.SIGALRM, lambda number, frame: arrived.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    np.testing.assert_array_equal(network(data).asnumpy(), alone)
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(arrived) > 100, len(arrived)
"""


@pytest.mark.skipif(why_no_products() is not None, reason=f"matrix products are MXNet's own: {why_no_products()}")
@pytest.mark.parametrize("flags", ["active=False", "static_alloc=True, static_shape=True"])
def test_a_signal_during_a_pass(flags):
    # oneDNN's kernels for 384 numbers and more put their stack pointer into the heap: the process would abort
    code = PASSES.format(flags=flags)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
