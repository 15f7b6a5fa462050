"""What a likelihood wants done to data before a network sees them is inside the graph of every model."""

import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, nd, set_mode

COUNTS = np.array([[0, 1, 5, 20, 100, 1000]] * 2)
KINDS = {"poisson": gv.PoissonGenerator, "negative_binomial": gv.NegativeBinomialGenerator}


def by_name(likelihood, **changes):
    sizes = {"data_dims": 6, "latent_variable_size": 2, "infer_layer_sizes": [5], "generator_layer_sizes": [5]}
    return gv.construct_vae(likelihood=likelihood, **sizes, **changes)


def by_class(likelihood, kind=gv.GaussianVAE, **changes):
    return kind(KINDS[likelihood](6, [5], "tanh"), gv.GaussianInferenceNetwork(2, [5], "tanh", 6), **changes)


MODELS = {
    "by name": by_name,
    "by class": by_class,
    "with labels, by name": lambda likelihood: by_name(likelihood, label_size=3),
    "with labels, by class": lambda likelihood: by_class(likelihood, gv.ConditionalVAE, label_size=3),
    "few labels, by class": lambda likelihood: by_class(likelihood, gv.SemiSupervisedVAE, label_size=3),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("likelihood", KINDS)
@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_the_posterior_is_of_log1p_of_the_counts(make, likelihood, mode):
    vae = make(likelihood)
    vae.initialize()
    set_mode(vae, mode)
    label = [nd([[1, 0, 0], [0, 0, 1]])] if vae.label_size else []
    net = vae.inference_net
    weight, bias = (p.data().asnumpy() for p in (net.body[0].weight, net.body[0].bias))
    seen = np.concatenate([np.log1p(COUNTS), *(y.asnumpy() for y in label)], axis=1)
    hidden = np.tanh(seen @ weight.T + bias)
    head = net.mean_head[-1]
    expected = hidden @ head.weight.data().asnumpy().T + head.bias.data().asnumpy()
    np.testing.assert_allclose(net(nd(COUNTS), *label)[0].asnumpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("likelihood", KINDS)
def test_by_class_and_by_name_are_the_same(likelihood, tmp_path):
    one, other = by_name(likelihood), by_class(likelihood)
    one.initialize()
    one.save_parameters(str(tmp_path / "parameters"))
    other.load_parameters(str(tmp_path / "parameters"))
    noise = nd([[0.3, -1], [2, 0.1]])
    for a, b in zip(one(nd(COUNTS), noise), other(nd(COUNTS), noise)):
        np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


@pytest.mark.parametrize("make", [by_name, by_class], ids=["by name", "by class"])
def test_an_exported_symbol_does_it_too(make, tmp_path):
    vae = make("poisson")
    vae.initialize()
    net = vae.inference_net
    wanted = net(nd(COUNTS))[0].asnumpy()
    net.hybridize()
    net(nd(COUNTS))
    net.export(str(tmp_path / "net"))
    operators = {node["op"] for node in json.loads((tmp_path / "net-symbol.json").read_text())["nodes"]}
    assert "log1p" in operators
    block = mx.gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data"], str(tmp_path / "net-0000.params"))
    np.testing.assert_allclose(block(nd(COUNTS))[0].asnumpy(), wanted, rtol=1e-6)


def test_a_classifier_sees_the_same():
    vae = by_class("poisson", gv.SemiSupervisedVAE, label_size=3)
    vae.initialize()
    classifier = vae.classifier
    hidden = np.log1p(COUNTS)
    first, *_, last = classifier
    hidden = np.maximum(hidden @ first.weight.data().asnumpy().T + first.bias.data().asnumpy(), 0)
    logits = hidden @ last.weight.data().asnumpy().T + last.bias.data().asnumpy()
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(vae.classify(nd(COUNTS)).asnumpy(), wanted, rtol=1e-4)
