"""The text summary."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.graph import training_graph
from tests.helpers import small_vae


@pytest.mark.parametrize("make", [lambda vae: vae, gv.ELBO, lambda vae: gv.IWAE(vae, samples=3)])
def test_summary_counts_parameters(make):
    vae = small_vae()
    text = gv.summary(make(vae))
    rows = {line.split()[1].split("_", 1)[1]: line.split() for line in text.splitlines()[1:-1]}
    assert rows["shared_dense0_fwd"][-1] == str(6 * 12 + 6)
    assert rows["std_dense1_fwd"][-1] == str(4 * 5 + 4)
    total = sum(int(np.prod(parameter.shape)) for parameter in vae.collect_params().values())
    assert text.splitlines()[-1].split() == ["total", str(total)]


def test_summary_of_the_tutorials_model():
    """784-500-(200, 200)-100-200-500-784, weights and biases counted by hand."""
    count = 785 * 500 + 2 * (501 * 200 + 201 * 100) + 101 * 200 + 201 * 500 + 501 * 784
    assert gv.summary(gv.construct_vae()).splitlines()[-1].split() == ["total", f"{count:,}"]


def test_summary_counts_tied_weights_once():
    class Tied(gv.ProductOfBernoullisGenerator):
        def __init__(self):
            super().__init__(12, [4], latent_variable_size=4)

        def hybrid_forward(self, F, latent_state):
            return super().hybrid_forward(F, self.body(latent_state))

    tied = gv.summary(gv.GaussianVAE(Tied(), gv.GaussianInferenceNetwork(4, [], data_dims=12)))
    count = (4 * 4 + 4 + 4 * 12 + 12) + 2 * (12 * 4 + 4)
    assert tied.splitlines()[-1].split()[-1] == str(count)


@pytest.mark.parametrize("posterior", ["real_nvp", "spline"])
def test_the_graph_of_couplings_can_be_drawn(posterior):
    """MXNet's drawing fails on some of its own operators."""
    vae = gv.construct_vae(data_dims=12, latent_variable_size=4, latent_type=posterior)
    symbol, shapes = training_graph(vae)
    mx.viz.plot_network(symbol, shape=shapes, hide_weights=True)
