"""An export gives the numbers of the call, for every kind of part, and says what it leaves out."""

import warnings

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, noise_for, small_vae
from tests.helpers.missing import with_holes
from tests.tables import parts
from tests.tables.parts import BOUNDS, CLASSES, FIRST_FITTING, MODELS

X = parts.SHAPE[0] * parts.SHAPE[1]
LEAVES_OUT = {
    **dict.fromkeys(("householder", "planar", "radial", "iaf", "real_nvp", "spline"), "not the flow, which makes"),
    "hierarchical": "not the networks of the layers above z_1",
    "ladder": "not the prior's networks",
    "vector_quantized": "not the choice of the vectors that are nearest",
}


def _exported(block, inputs, path):
    """What the export of a block returns, which was called with ``inputs``."""
    block.hybridize()
    block(*inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block.export(str(path))
        names = ["data"] if len(inputs) == 1 else [f"data{number}" for number in range(len(inputs))]
        imported = mx.gluon.SymbolBlock.imports(f"{path}-symbol.json", names, f"{path}-0000.params")
    return _numbers(imported(*inputs))


def _numbers(outputs):
    return [tensor.asnumpy() for tensor in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def _assert_the_same(block, inputs, path):
    block.hybridize(False)
    wanted = _numbers(block(*inputs))
    got = _exported(block, inputs, path)
    assert len(got) == len(wanted)
    for one, want in zip(got, wanted):
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_parts_and_the_whole(name, rng, tmp_path):
    vae = parts.model(**MODELS[name])
    values = parts.LIKELIHOODS[MODELS[name].get("likelihood", "bernoulli_prod")].data(rng, 5, X)
    data = nd(with_holes(rng, values, 0.3 if vae.generator.missing else 0))
    noise = mx.nd.array(rng.standard_normal((5, vae.inference_net.noise.size)))
    label = [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, 5)])] if vae.label_size else []
    latent = nd(rng.standard_normal((5, vae.generator.latent_variable_size)))
    _assert_the_same(vae.inference_net, (data, *label), tmp_path / "encoder")
    _assert_the_same(vae.generator, (latent, *label), tmp_path / "decoder")
    _assert_the_same(vae, (data, noise, *label), tmp_path / "vae")
    if hasattr(vae, "classifier"):
        got = _exported(vae.classifier, (data,), tmp_path / "classifier")[0]
        wanted = np.exp(got) / np.exp(got).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(vae.classify(data).asnumpy(), wanted, rtol=1e-4)


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds(name, rng, tmp_path):
    pairs = ((q, p) for q in parts.POSTERIORS for p in parts.PRIORS if parts.prior_fits(q, p))
    posterior, prior = next(pair for pair in pairs if parts.bound_fits(name, *pair))
    labels = "semi-supervised" if name == "SemiSupervisedELBO" else "without labels"
    values = "missing values" if name == "ObservedIWAE" else "all values"
    bound = BOUNDS[name](parts.model(posterior=posterior, prior=prior, labels=labels, values=values))
    inputs = nd(rng.integers(0, 2, (5, X))), noise_for(rng, bound, 5)
    label = [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, 5)])] if labels == "semi-supervised" else []
    wanted = bound(*inputs, *label).asnumpy()
    leaves = [*inputs[:1], *gv.backend.structures.leaves(inputs[1]), *label]
    bound.hybridize()
    bound(*inputs, *label)
    bound.export(str(tmp_path / "bound"))
    names = [f"data{number}" for number in range(len(leaves))]
    files = [str(tmp_path / f"bound-{ending}") for ending in ("symbol.json", "0000.params")]
    imported = mx.gluon.SymbolBlock.imports(files[0], names, files[1])
    np.testing.assert_allclose(imported(*leaves)[0].asnumpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("posterior", parts.POSTERIORS)
def test_an_export_of_parameters_that_are_not_all_of_q_says_so(posterior, tmp_path):
    net = parts.model(posterior=posterior, prior=FIRST_FITTING[posterior]).inference_net
    net.hybridize()
    net(mx.nd.ones((2, X)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.export(str(tmp_path / "encoder"))
    messages = [str(warning.message) for warning in caught]
    wanted = LEAVES_OUT.get(posterior)
    assert len(messages) == (wanted is not None)
    if wanted:
        assert f"the export of {type(net).__name__} has the parameters that it returns, and {wanted}" in messages[0]
        assert "export the VAE" in messages[0]
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("posterior", "prior", "message"),
    [
        ("relaxed_bernoulli", "codes", "makes a relaxed code of a latent state"),
        ("relaxed_one_hot", "codes", "makes a relaxed code of a latent state"),
        ("hierarchical", "hierarchical", "the choice of z_1"),
        ("gaussian", "standard", None),
        ("bernoulli", "codes", None),
    ],
)
def test_an_export_of_a_generator_says_what_is_before_it(posterior, prior, message, tmp_path):
    generator = parts.model(posterior=posterior, prior=prior).generator
    generator.hybridize()
    generator(mx.nd.ones((2, generator.latent_variable_size)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        generator.export(str(tmp_path / "decoder"))
    assert [message in str(warning.message) for warning in caught] == ([True] if message else [])


def test_an_exported_classifier_of_counts_has_their_logarithm(tmp_path):
    """Its numbers are NumPy's, of log(1 + x)."""
    vae = small_vae(likelihood="poisson", label_size=3, classifier_layer_sizes=[5])
    counts = np.arange(24.0).reshape(2, 12) ** 2
    got = _exported(vae.classifier, (nd(counts),), tmp_path / "classifier")[0]
    first, _, last = vae.classifier
    hidden = np.maximum(np.log1p(counts) @ first.weight.data().asnumpy().T + first.bias.data().asnumpy(), 0)
    np.testing.assert_allclose(got, hidden @ last.weight.data().asnumpy().T + last.bias.data().asnumpy(), rtol=1e-4)
