"""Models that standardise their data: the same as on data that were standardised before, but in the data's units."""

import warnings

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, nd, noise_for, set_mode
from tests.tables import parts

X = parts.SHAPE[0] * parts.SHAPE[1]
# name: what differs from a plain model, and its bound
MODELS = {
    "plain": ({}, gv.ELBO),
    "IWAE": ({}, lambda vae: gv.IWAE(vae, samples=3)),
    "flow": ({"posterior": "iaf"}, gv.ELBO),
    "spline": ({"posterior": "spline"}, gv.ELBO),
    "hierarchical": ({"posterior": "hierarchical", "prior": "hierarchical"}, gv.ELBO),
    "ladder": ({"posterior": "ladder", "prior": "hierarchical"}, gv.ELBO),
    "vamp": ({"prior": "vamp"}, gv.ELBO),
    "codes": ({"posterior": "bernoulli", "prior": "codes"}, lambda vae: gv.VIMCO(vae, samples=3)),
    "convolutions": ({"body": "conv"}, gv.ELBO),
    "conditional": ({"labels": "conditional"}, gv.ELBO),
    "conditional, vamp": ({"labels": "conditional", "prior": "vamp"}, gv.ELBO),
    "semi-supervised": ({"labels": "semi-supervised"}, gv.SemiSupervisedELBO),
}


def table(rng, rows, size=X):
    """Columns with scales from 10⁻⁴ to 10⁴, some of which lie far from 0."""
    scale = np.logspace(-4, 4, size)
    return scale * (rng.standard_normal((rows, size)) + rng.uniform(-20, 20, size))


def pair(rng, data, **changes):
    """A model that standardises ``data``, and a model that does not, with the same networks, in float64."""
    one, other = (parts.model(likelihood=f"gaussian, {name}", **changes) for name in ("standardised", "per pixel"))
    label = [0, 1, 2, 0, 1, 2, 0] if "labels" in changes else None
    for vae in (one, other):
        # convolutions learn their sizes
        vae(mx.nd.zeros((7, X)), label=label)
    # nothing is near 0, such as the weights of a flow are at first
    values = {name: rng.uniform(-0.5, 0.5, p.shape) for name, p in other._collect_params_with_prefix().items()}
    for vae in (one, other):
        vae.cast("float64")
        parameters = vae._collect_params_with_prefix()
        for name, value in values.items():
            if parameters[name].grad_req != "null":
                parameters[name].set_data(nd(value, "float64"))
    one.adapt(data)
    return one, other


@pytest.mark.parametrize("name", MODELS)
def test_a_bound_is_that_of_standardised_data_in_the_units_of_the_data(name, rng):
    """log p(x) = log p(u) - Σ log s for u = (x - m) / s; and the gradients are the same."""
    changes, make = MODELS[name]
    data = table(rng, 7)
    mean, std = data.mean(0), data.std(0)
    models = pair(rng, data, **changes)
    labels = [nd(np.eye(3)[[0, 1, 2, 0, 1, 2, 0]], "float64")] if "labels" in changes else []
    if "semi" in name:
        labels[0][3:] = 0
    bounds = [make(vae) for vae in models]
    noise = noise_for(rng, bounds[0], 7, "float64")
    results = []
    standardised = (data - mean) / std
    for bound, x, mode in (
        (bounds[0], data, "imperative"),
        (bounds[0], data, "static_shape"),
        (bounds[1], standardised, "imperative"),
    ):
        set_mode(bound, mode)
        with mx.autograd.record():
            value = bound(nd(x, "float64"), noise, *labels)
        value.backward()
        parameters = bound._collect_params_with_prefix().items()
        results.append((value.asnumpy(), {n: p.grad().asnumpy() for n, p in parameters if p.grad_req != "null"}))
    wanted, gradients = results[2]
    for value, of_parameters in results[:2]:
        np.testing.assert_allclose(value, wanted - np.log(std).sum(), rtol=1e-8, atol=1e-6)
        assert of_parameters.keys() == gradients.keys()
        for parameter, gradient in gradients.items():
            scale = max(1, abs(gradient).max())
            np.testing.assert_allclose(of_parameters[parameter], gradient, rtol=1e-7, atol=1e-7 * scale)


@pytest.mark.parametrize("mode", MODES)
def test_networks_called_alone_see_standardised_data(mode, rng):
    data = table(rng, 7)
    one, other = pair(rng, data, labels="semi-supervised")
    standardised = (data - data.mean(0)) / data.std(0)
    set_mode(one, mode)
    label = nd(np.eye(3)[[0, 1, 2, 0, 1, 2, 0]], "float64")
    for got, want in zip(
        one.inference_net(nd(data, "float64"), label), other.inference_net(nd(standardised, "float64"), label)
    ):
        np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-9)
    got, want = one.classify(nd(data, "float64")), other.classify(nd(standardised, "float64"))
    np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-9)


def test_an_exported_encoder_takes_data_in_their_units(rng, tmp_path):
    data = table(rng, 7)
    vae, _ = pair(rng, data)
    net, x = vae.inference_net, nd(data, "float64")
    wanted = net(x)[0].asnumpy()
    net.hybridize()
    net(x)
    net.export(str(tmp_path / "net"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block = mx.gluon.SymbolBlock.imports(
            str(tmp_path / "net-symbol.json"), ["data"], str(tmp_path / "net-0000.params")
        )
    np.testing.assert_allclose(block(x)[0].asnumpy(), wanted, rtol=1e-9)


def test_samples_are_in_the_units_of_the_data(rng):
    """A generator whose weights are 0 has the means and, times its scale, the standard deviations of the data."""
    data = table(rng, 50)
    vae = parts.model(likelihood="gaussian, standardised")
    vae.adapt(data)
    for parameter in vae.generator.mean_head.collect_params().values():
        parameter.set_data(mx.nd.zeros(parameter.shape))
    np.testing.assert_allclose(vae.phantasize(3, "mean").asnumpy(), np.tile(data.mean(0), (3, 1)), rtol=1e-5)
    for parameter in vae.generator.scale_head.collect_params().values():
        parameter.set_data(mx.nd.full(parameter.shape, 0 if parameter.name.endswith("weight") else 0.5))
    draws, width = vae.phantasize(4000).asnumpy(), data.std(0) * (np.log1p(np.exp(0.5)) + 1e-3)
    np.testing.assert_allclose(draws.std(0), width, rtol=0.1)


def linear(rng, size=6):
    """A model in float64 whose evidence is N(m + s b, s (w w' + σ²) s), and its posterior exact; its data, and the
    evidence's log density."""
    weight, bias, sigma = rng.standard_normal(size), rng.standard_normal(size), rng.uniform(0.3, 1, size)
    data = table(rng, 500, size)
    vae = gv.VAE(
        gv.GaussianGenerator(size, [], std="per_feature", standardize=True), gv.GaussianInferenceNetwork(1, [])
    )
    vae.initialize()
    vae.cast("float64")
    vae.adapt(data)
    precision = weight / sigma**2
    variance = 1 / (1 + weight @ precision)
    net, generator = vae.inference_net, vae.generator
    for parameter, values in (
        (generator.mean_head.weight, weight[:, None]),
        (generator.mean_head.bias, bias),
        (generator.family.shared_scale, np.log(np.expm1(sigma - 1e-3))),
        (net.mean_head[0].weight, variance * precision[None]),
        (net.mean_head[0].bias, [-variance * precision @ bias]),
        (net.std_head[0].weight, np.zeros((1, size))),
        (net.std_head[0].bias, [np.log(np.expm1(np.sqrt(variance) - gv.inference.MIN_STD))]),
    ):
        parameter.set_data(nd(values, "float64"))
    # SciPy takes no covariance whose elements go from 10⁻⁹ to 10⁷: the scales are taken out
    standardised = scipy.stats.multivariate_normal(bias, np.outer(weight, weight) + np.diag(sigma**2))
    mean, std = data.mean(0), data.std(0)
    return vae, data, lambda x: standardised.logpdf((x - mean) / std) - np.log(std).sum()


def test_the_marginal_likelihood_is_the_evidence_of_the_data(rng):
    vae, data, truth = linear(rng)
    test = data[:50].astype(np.float32)
    wanted = truth(test.astype(np.float64)).mean()
    # of the exact posterior all importance weights are the same
    assert gv.log_marginal_likelihood(vae, test, samples=3).mean == pytest.approx(wanted, rel=1e-9)


def test_adapt_says_what_is_wrong(rng):
    vae = gv.construct_vae(likelihood="gaussian", likelihood_options={"standardize": True}, data_dims=6)
    with pytest.raises(RuntimeError, match="initialize"):
        vae.adapt(table(rng, 5, 6))
    vae.initialize()
    for wrong, message in (
        (table(rng, 5, 7), r"data must have shape \(N, 6\), got rows of 7 values"),
        (gv.data.Dataset(table(rng, 5, 7), binarization="none"), r"\(N, 6\), got rows of 7 values"),
        (np.zeros(6), r"data must have shape \(N, 6\), got \(6,\)"),
        (np.zeros((0, 6)), r"data must have shape \(N, 6\), got \(0, 6\)"),
        (np.full((5, 6), np.nan), r"data has nan at \(0, 0\)"),
    ):
        with pytest.raises(ValueError, match=message):
            vae.adapt(wrong)
    assert vae.needs_adapting


def test_a_network_of_another_model_is_refused():
    net = gv.GaussianInferenceNetwork(2, [5])
    gv.VAE(gv.GaussianGenerator(6, [5], standardize=True), net)
    with pytest.raises(
        ValueError, match=r"GaussianInferenceNetwork standardises data by .* another model already: make"
    ):
        gv.VAE(gv.GaussianGenerator(6, [5], standardize=True), net)


def test_a_transform_that_was_chosen_is_left(rng):
    """The network sees what its user asked for, and the likelihood standardises."""
    net = gv.GaussianInferenceNetwork(2, [5], data_transform="log1p")
    vae = gv.VAE(gv.GaussianGenerator(6, [5], standardize=True), net)
    vae.initialize()
    data = nd(rng.gamma(2, 3, (5, 6)))
    vae.adapt(data)
    np.testing.assert_allclose(net.preprocess(data).asnumpy(), np.log1p(data.asnumpy()), rtol=1e-6)
