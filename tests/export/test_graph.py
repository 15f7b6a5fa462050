"""Exported graphs as symbol and parameters: files, names, training, and what cannot be exported."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

import gluonvae as gv
from gluonvae import export
from gluonvae.backend.runtime import mx
from tests.helpers import draw, learned, nd, noise_for, pixels, small_vae
from tests.helpers.exports import RUNTIMES, InGluon, InOnnxruntime, imported
from tests.helpers.processes import CLEAN, MXNET_FIRST
from tests.tables import parts

gluon = mx.gluon


def test_what_goes_in_and_comes_out_is_shown():
    vae = small_vae(label_size=3)
    assert str(export.decoder(vae)).splitlines() == [
        "decoder",
        "  in  latent          (B, 4)",
        "      label           (B, 3)",
        "  out logits          (B, 12)",
        "      reconstruction  (B, 12)",
    ]
    assert str(export.bound(gv.IWAE(vae, samples=5))).splitlines()[1:5] == [
        "  in  data            (B, 12)",
        "      noise           (5, B, 4)  standard normal",
        "      label           (B, 3)",
        "  out objective       (B,)",
    ]


@pytest.mark.parametrize(
    ("options", "encoder", "decoder"),
    [
        ({}, ["mean", "std"], ["logits"]),
        ({"posterior": "full_covariance"}, ["mean", "factor"], ["logits"]),
        ({"posterior": "low_rank"}, ["mean", "std", "factor"], ["logits"]),
        ({"posterior": "iaf"}, ["latent"], ["logits"]),
        ({"posterior": "ladder", "prior": "hierarchical"}, ["latent"], ["logits"]),
        ({"posterior": "relaxed_bernoulli", "prior": "codes"}, ["logits"], ["logits"]),
        ({"posterior": "vector_quantized", "prior": "codebook"}, ["latent"], ["logits"]),
        ({"likelihood": "gaussian, per pixel"}, ["mean", "std"], ["mean", "std"]),
        ({"likelihood": "laplace, fixed"}, ["mean", "std"], ["mean", "scale"]),
        ({"likelihood": "poisson"}, ["mean", "std"], ["rate"]),
        ({"likelihood": "negative_binomial"}, ["mean", "std"], ["mean", "dispersion"]),
        (
            {"likelihood": "zero_inflated_negative_binomial, observed library"},
            ["mean", "std"],
            ["log_proportions", "library", "dispersion", "gate_logits"],
        ),
    ],
)
def test_outputs_have_the_names_of_parameters(options, encoder, decoder):
    vae = parts.model(**options)
    assert list(export.encoder(vae).outputs) == encoder
    assert list(export.decoder(vae).outputs) == [*decoder, "reconstruction"]


def test_noise_says_what_it_is(tmp_path):
    graph = export.prior(parts.model(prior="mixture"))
    kinds = {"noise_component": "uniform in [0, 1)", "noise_value": "standard normal"}
    assert graph.noise == kinds
    model = onnx.load(str(graph.to_onnx(tmp_path / "prior.onnx")))
    assert {of.name: of.doc_string for of in model.graph.input} == kinds
    assert [of.dim_param for of in model.graph.output[0].type.tensor_type.shape.dim] == ["batch", ""]


def test_parts_are_those_that_there_are():
    vae = small_vae(label_size=3, classifier_layer_sizes=[5])
    assert list(export.parts(small_vae())) == ["encoder", "decoder", "prior", "vae"]
    assert list(export.parts(vae)) == ["encoder", "decoder", "prior", "vae", "classifier"]
    assert list(export.parts(gv.SemiSupervisedELBO(vae))) == [
        "encoder",
        "decoder",
        "prior",
        "vae",
        "classifier",
        "bound",
    ]


def test_parameters_have_the_names_that_they_are_saved_with(tmp_path):
    vae = small_vae()
    vae.save_parameters(str(tmp_path / "vae.params"))
    saved = mx.nd.load(str(tmp_path / "vae.params"))
    graph = export.whole(vae)
    assert set(graph.parameters) == set(saved)
    _, file = graph.to_symbol(tmp_path / "vae")
    for name, values in mx.nd.load(str(file)).items():
        np.testing.assert_array_equal(values.asnumpy(), saved[name.removeprefix("arg:")].asnumpy())


def test_an_imported_bound_trains_as_the_bound_does(rng, tmp_path):
    """The same steps of stochastic gradient ascent give the same parameters; constants stay as they are."""
    vae = parts.model(likelihood="gaussian, standardised")
    bound = gv.ELBO(vae, beta=0.5)
    block = imported(export.bound(bound), tmp_path)
    data, noise = nd(rng.standard_normal((8, 18))), noise_for(rng, bound, 8)
    for of, compute in ((bound, lambda: bound(data, noise)), (block, lambda: block(data, noise)[0])):
        trainer = gluon.Trainer(of.collect_params(), "sgd", {"learning_rate": 0.01})
        for _ in range(5):
            with mx.autograd.record():
                loss = -compute()
            loss.backward()
            trainer.step(len(data))
    trained = {f"vae.{name}": of for name, of in vae._collect_params_with_prefix().items()}
    moved = 0
    for name, of in block.collect_params().items():
        wanted = bound.beta if name == "beta" else trained[name].data().asnumpy()
        np.testing.assert_allclose(of.data().asnumpy(), wanted, rtol=1e-5, atol=1e-6, err_msg=name)
        moved += name.startswith("vae.inference_net")
    assert moved == len(list(vae.inference_net.collect_params(".*(weight|bias)")))


def test_gradients_of_an_imported_bound(rng, tmp_path):
    bound = gv.IWAE(small_vae(latent_type="planar", latent_options={"flow_length": 2}), samples=3, gradient="dreg")
    block = imported(export.bound(bound), tmp_path)
    data, noise = pixels(rng, 5), noise_for(rng, bound, 5)
    with mx.autograd.record():
        losses = bound(data, noise), block(data, noise)[0]
    mx.autograd.backward(list(losses))
    of_block = {name: of.grad().asnumpy() for name, of in block.collect_params().items()}
    names = {of.name: name for name, of in bound._collect_params_with_prefix().items()}
    for of in learned(bound):
        np.testing.assert_allclose(of_block[names[of.name]], of.grad().asnumpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("posterior", ["real_nvp", "ladder", "vector_quantized"])
def test_an_encoder_that_draws_can_be_trained(posterior, rng, tmp_path):
    """The gradient of a latent state is that of ``rsample``."""
    vae = parts.model(posterior=posterior, prior=parts.FIRST_FITTING[posterior])
    block, data = imported(export.encoder(vae), tmp_path), pixels(rng, 5, 18)
    noise = draw(rng, vae.inference_net.noise, (5,))
    with mx.autograd.record():
        latents = vae.posterior(data).rsample(noise), block(data, *([] if posterior == "vector_quantized" else [noise]))
    mx.autograd.backward(list(latents))
    names = dict(vae._collect_params_with_prefix())
    sizes = []
    for name, of in block.collect_params().items():
        np.testing.assert_allclose(of.grad().asnumpy(), names[name].grad().asnumpy(), rtol=1e-4, atol=1e-5)
        sizes.append(abs(of.grad().asnumpy()).max())
    assert max(sizes) > 0


def test_a_graph_has_the_parameters_of_when_it_was_made(rng, tmp_path):
    vae, data = small_vae(), pixels(rng, 5)
    before, graph = vae.inference_net(data)[0].asnumpy(), export.encoder(vae)
    for of in vae.collect_params().values():
        of.set_data(of.data() + 1)
    np.testing.assert_allclose(
        InOnnxruntime(graph, tmp_path)(data=data.asnumpy())["mean"], before, rtol=1e-5, atol=1e-6
    )


def test_an_export_runs_where_gluonvae_is_not_installed(rng, tmp_path):
    """Also without its compiled operators, whose names MXNet would not know there."""
    vae = small_vae()
    data, noise = pixels(rng, 3), nd(rng.standard_normal((3, 4)))
    wanted = [of.asnumpy() for of in vae(data, noise)]
    export.whole(vae).to_symbol(tmp_path / "vae")
    mx.nd.save(str(tmp_path / "inputs"), [data, noise])
    code = (
        f"import sys; sys.modules['gluonvae'] = None; {MXNET_FIRST}mx = mxnet\n"
        "block = mx.gluon.SymbolBlock.imports('vae-symbol.json', ['data', 'noise'], 'vae-0000.params')\n"
        "mx.nd.save('outputs', block(*mx.nd.load('inputs')))"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, env=CLEAN, check=True)
    *_, log_likelihood, kl = mx.nd.load(str(tmp_path / "outputs"))
    np.testing.assert_allclose(log_likelihood.asnumpy(), wanted[0], rtol=1e-5)
    np.testing.assert_allclose(kl.asnumpy(), wanted[1], rtol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
@pytest.mark.parametrize("name", gv.networks.ACTIVATIONS)
def test_every_activation(name, runtime, rng, tmp_path):
    vae = small_vae(infer_act_type=name, generator_act_type=name)
    data = pixels(rng, 5)
    got = runtime(export.encoder(vae), tmp_path)(data=data.asnumpy())
    for one, wanted in zip(got.values(), vae.inference_net(data)):
        np.testing.assert_allclose(one, wanted.asnumpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("flags", [{}, {"static_alloc": True, "static_shape": True}], ids=["hybrid", "static"])
def test_a_hybridised_model_is_exported_and_stays_as_it_is(flags, rng, tmp_path):
    vae = small_vae()
    data, noise = pixels(rng, 5), nd(rng.standard_normal((5, 4)))
    vae.hybridize(**flags)
    before = vae(data, noise)[0].asnumpy()
    graph = vae._cached_op
    got = InOnnxruntime(export.whole(vae), tmp_path)(data=data.asnumpy(), noise=noise.asnumpy())
    np.testing.assert_allclose(got["log_likelihood"], before, rtol=1e-5)
    assert vae._cached_op is graph
    np.testing.assert_array_equal(vae(data, noise)[0].asnumpy(), before)


def test_float64_stays_float64_as_a_symbol(rng, tmp_path):
    vae = small_vae()
    vae.cast("float64")
    data, noise = pixels(rng, 5).astype("float64"), nd(rng.standard_normal((5, 4)), "float64")
    run = InGluon(export.whole(vae), tmp_path)
    got = run(data=data.asnumpy(), noise=noise.asnumpy())
    np.testing.assert_allclose(got["log_likelihood"], vae(data, noise)[0].asnumpy(), rtol=1e-12)


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
def test_a_missing_label_is_the_most_probable(runtime, rng, tmp_path):
    vae = small_vae(label_size=3, classifier_layer_sizes=[5])
    data, noise = pixels(rng, 20), nd(rng.standard_normal((20, 4)))
    missing = np.zeros((20, 3), np.float32)
    got = runtime(export.whole(vae), tmp_path)(data=data.asnumpy(), noise=noise.asnumpy(), label=missing)
    probable = nd(np.eye(3)[vae.classify(data).asnumpy().argmax(axis=1)])
    latent = vae.posterior(data, probable).rsample(noise)
    np.testing.assert_allclose(got["latent"], latent.asnumpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got["reconstruction"], vae.likelihood(latent, probable).mean.asnumpy(), rtol=1e-5)
    # of all labels
    terms = vae(data, noise, [-1] * 20)
    np.testing.assert_allclose(got["log_likelihood"], terms[0].asnumpy(), rtol=1e-5)
    np.testing.assert_allclose(got["kl"], terms[1].asnumpy(), rtol=1e-5, atol=1e-5)


class Unlabelled(gv.InferenceNetwork):
    """A posterior of one's own without a family, which does not look at labels."""

    distribution_type = gv.Normal

    def __init__(self, size):
        super().__init__(size)
        with self.name_scope():
            self.dense = gluon.nn.Dense(size, in_units=12)

    def hybrid_forward(self, F, data, *label):
        mean = self.dense(data)
        return mean, F.ones_like(mean)

    def distribution(self, mean, std):
        return gv.Normal(mean, std)


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
def test_a_posterior_of_ones_own_that_does_not_look_at_an_input(runtime, rng, tmp_path):
    generator = gv.ProductOfBernoullisGenerator(12, [5])
    vae = gv.ConditionalVAE(generator, Unlabelled(4), label_size=3)
    vae.initialize()
    graph, data = export.encoder(vae), pixels(rng, 5)
    assert (list(graph.inputs), list(graph.outputs)) == (["data", "label"], ["mean", "std"])
    got = runtime(graph, tmp_path)(data=data.asnumpy(), label=np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]])
    np.testing.assert_allclose(got["mean"], vae.inference_net.dense(data).asnumpy(), rtol=1e-5, atol=1e-6)


def vae_with(function):
    """A model whose encoder begins with a function."""
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(6), gluon.nn.HybridLambda(function))
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(3, net))
    vae.initialize()
    vae(mx.nd.zeros((2, 12)))
    return vae


class Looking(Unlabelled):
    def hybrid_forward(self, F, data):
        mean, std = super().hybrid_forward(F, data)
        return mean, std * mean.shape[1]


class Branching(Unlabelled):
    def hybrid_forward(self, F, data):
        mean, std = super().hybrid_forward(F, data)
        return (mean, std) if F.sum(mean) > 0 else (mean, 2 * std)


def of_posterior(net):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), net)
    vae.initialize()
    return vae


class Twice(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], 2 * in_data[0])


@mx.operator.register("twice_of_a_test")
class TwiceProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return Twice()


def not_called():
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(3, gluon.nn.Dense(6)))
    vae.initialize()
    return vae


def of_float64():
    vae = small_vae()
    vae.cast("float64")
    return vae


def sorted_body():
    return vae_with(lambda F, x: F.sort(x, axis=1))


CANNOT = {
    "a Python operator": (
        lambda: vae_with(lambda F, x: F.Custom(x, op_type="twice_of_a_test")),
        ValueError,
        r"the encoder cannot be exported: \S+ is the operator twice_of_a_test in Python, which is only known in this",
    ),
    "a look at values": (
        lambda: of_posterior(Looking(4)),
        ValueError,
        r"the encoder cannot be exported, as it cannot be hybridised: a graph has no values and no shapes to ask for \(",
    ),
    "a branch on values": (
        lambda: of_posterior(Branching(4)),
        ValueError,
        "the encoder cannot be exported, as it cannot be hybridised",
    ),
    "not initialised": (
        lambda: gv.construct_vae(),
        RuntimeError,
        r"the encoder cannot be exported yet, as \S+ has no value: initialise the model, vae.initialize\(\)",
    ),
    "sizes that the first call tells": (
        not_called,
        RuntimeError,
        r"the encoder cannot be exported yet, as \S+ has no value: call the model once, vae\(data\)",
    ),
    "not adapted": (
        lambda: small_vae(likelihood="gaussian", likelihood_options={"standardize": True}),
        ValueError,
        r"call vae.adapt\(data\) first",
    ),
    "another noise": (
        lambda: export.encoder(small_vae(), noise="none"),
        ValueError,
        "noise must be one of drawn, input, got 'none'",
    ),
}
CANNOT_AS_ONNX = {
    "float64": (
        of_float64,
        r"the encoder cannot be written as ONNX, as \S+ is float64: its files are of float32, vae.cast\('float32'\)",
    ),
    "an operator without conversion": (
        sorted_body,
        r"the encoder cannot be written as ONNX: the operator sort of \S+ has no conversion; to_symbol, "
        "--format symbol, exports it",
    ),
    "an option without conversion": (
        lambda: vae_with(lambda F, x: F.take(x, F.contrib.arange_like(x, axis=1), axis=1, mode="wrap")),
        r"the encoder cannot be written as ONNX: take of \S+ has no conversion with mode=wrap; to_symbol",
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_exported_says_why(name):
    make, error, message = CANNOT[name]
    with pytest.raises(error, match=message):
        export.encoder(make())


@pytest.mark.parametrize("name", CANNOT_AS_ONNX)
def test_what_cannot_be_written_as_onnx_says_why(name, tmp_path):
    make, message = CANNOT_AS_ONNX[name]
    graph = export.encoder(make())
    with pytest.raises(ValueError, match=message):
        graph.to_onnx(tmp_path / "encoder.onnx")
    assert not list(tmp_path.iterdir())


def test_what_has_no_conversion_is_exported_as_a_symbol(rng, tmp_path):
    vae, data = sorted_body(), pixels(rng, 4)
    got = InGluon(export.encoder(vae), tmp_path)(data=data.asnumpy())
    np.testing.assert_allclose(got["mean"], vae.inference_net(data)[0].asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("posterior", ["gaussian", "spline"])
def test_nodes_of_onnx_files_have_names_of_their_own(posterior, tmp_path):
    """Of nodes without names older versions of onnxruntime make several of the same name, and refuse them."""
    vae = small_vae(latent_type=posterior)
    export.encoder(vae).to_onnx(tmp_path / "encoder.onnx")
    names = [node.name for node in onnx.load(str(tmp_path / "encoder.onnx")).graph.node]
    assert all(names)
    assert len(set(names)) == len(names)


def test_without_onnx_the_error_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"ONNX files are written by onnx: pip install 'gluonvae\[onnx\]'"):
        export.encoder(small_vae()).to_onnx(tmp_path / "encoder.onnx")
    assert not list(tmp_path.iterdir())


def test_onnx_is_needed_for_onnx_files_alone(tmp_path):
    code = (
        "import sys; sys.modules.update(onnx=None, onnxruntime=None); import gluonvae as gv\n"
        "vae = gv.construct_vae(data_dims=4, generator_layer_sizes=[2], infer_layer_sizes=[2]); vae.initialize()\n"
        "print(*gv.export.encoder(vae).to_symbol('encoder'))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=CLEAN, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["encoder-symbol.json", "encoder-0000.params"]
