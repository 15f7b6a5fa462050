"""The text summary."""

import copy
import pickle
from xml.etree import ElementTree

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.graph import ModelSummary, training_graph
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


def test_a_notebook_shows_the_summary_as_a_table():
    text = gv.summary(small_vae())
    (table,) = ElementTree.fromstring(f"<page>{text._repr_html_()}</page>")
    (head,), body = table
    assert [cell.text for cell in head] == ["operation", "name", "output", "parameters"]
    shown = [" ".join(cell.text or "" for cell in row).split() for row in body]
    assert shown == [line.split() for line in text.splitlines()[1:]]
    # a string for everything else
    assert isinstance(text, str)
    assert text == str(text)
    for same in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert (same, same._repr_html_()) == (text, text._repr_html_())


def test_names_are_no_markup():
    table = ModelSummary("a < b")
    table.rows = [("<i>",), ("a & b",)]
    assert "<th>&lt;i&gt;</th>" in table._repr_html_()
    assert "<td>a &amp; b</td>" in table._repr_html_()


@pytest.mark.parametrize("posterior", ["real_nvp", "spline"])
def test_the_graph_of_couplings_can_be_drawn(posterior):
    """MXNet's drawing fails on some of its own operators."""
    vae = gv.construct_vae(data_dims=12, latent_variable_size=4, latent_type=posterior)
    symbol, shapes = training_graph(vae)
    mx.viz.plot_network(symbol, shape=shapes, hide_weights=True)
