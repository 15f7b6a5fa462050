"""Memory that runs out in a compiled pass is an error, and the next pass is right."""

import subprocess
import sys

import pytest

from gluonvae.backend.regions.availability import why_no_products

BACKWARD = """
import resource
from pathlib import Path

import numpy as np

import gluonvae as gv
from mxnet import autograd, nd
from mxnet.base import MXNetError

rng = np.random.default_rng(0)
layer = gv.networks.MLP([800], in_units=200)
layer.initialize()

def differentiate(rows):
    with autograd.record():
        y = layer(rows)
    y.backward()
    return y.asnumpy(), layer[0].weight.grad().asnumpy()

few, many = (nd.array(rng.standard_normal((rows, 200))) for rows in (20, 60_000))
first = differentiate(few)
with autograd.record():
    y = layer(many)
head = nd.ones_like(y)
head.wait_to_read()
# the gradients of 60,000 rows take 192 MB
taken = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (taken + 60 * 2**20,) * 2)
try:
    y.backward(head)
except MXNetError:
    pass
else:
    raise AssertionError("there was memory")
for got, want in zip(differentiate(few), first):
    np.testing.assert_array_equal(got, want)
"""


@pytest.mark.skipif(why_no_products() is not None, reason=f"matrix products are MXNet's own: {why_no_products()}")
def test_a_pass_that_finds_no_memory():
    process = subprocess.run([sys.executable, "-c", BACKWARD], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
