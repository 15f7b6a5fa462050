"""Which devices may be named."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import device, mx
from tests.helpers import pixels, small_vae

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


needs_no_gpu = pytest.mark.skipif(mx.context.num_gpus() > 0, reason="there is a GPU")
MESSAGE = r"device gpu:(0|-1) is not there: MXNet sees 0 GPU\(s\); this MXNet was built without CUDA"


def deferred():
    """A model whose shapes are known at its first call only."""
    body = mx.gluon.nn.Dense(5)
    return gv.GaussianVAE(gv.ProductOfBernoullisGenerator(12, body), gv.GaussianInferenceNetwork(2, [5]))


def loaded(tmp_path, **options):
    path = str(tmp_path / "x.params")
    small_vae().save_parameters(path)
    vae = gv.construct_vae(generator_layer_sizes=[5, 6], infer_layer_sizes=[6, 5], latent_variable_size=4, data_dims=12)
    vae.load_parameters(path, **options)


# with the naive engine each of these aborted the interpreter
ON_A_GPU = {
    "initialize": lambda gpu, _: gv.construct_vae().initialize(ctx=gpu),
    "several": lambda gpu, _: gv.construct_vae().initialize(ctx=[mx.cpu(), gpu]),
    "deferred": lambda gpu, _: deferred().initialize(ctx=gpu),
    "context": lambda gpu, _: in_context(gpu, gv.construct_vae().initialize),
    "collected": lambda gpu, _: gv.construct_vae().collect_params().initialize(ctx=gpu),
    "part": lambda gpu, _: gv.GaussianInferenceNetwork(2, [5], data_dims=12).initialize(ctx=gpu),
    "body": lambda gpu, _: gv.networks.MLP([5], in_units=12).initialize(ctx=gpu),
    "bound": lambda gpu, _: gv.ELBO(gv.construct_vae()).initialize(ctx=gpu),
    "bound again": lambda gpu, _: gv.ELBO(small_vae()).initialize(ctx=gpu, force_reinit=True),
    "reset": lambda gpu, _: small_vae().collect_params().reset_ctx(gpu),
    "load": lambda gpu, tmp_path: loaded(tmp_path, ctx=gpu),
    "plain block": lambda gpu, _: mx.gluon.nn.Dense(3, in_units=2).initialize(ctx=gpu),
    "data": lambda gpu, _: small_vae()(mx.nd.ones((3, 12)).as_in_context(gpu)),
    "copy": lambda gpu, _: mx.nd.ones((3, 12)).copyto(gpu),
    "number": lambda gpu, _: gv.construct_vae().initialize(ctx=mx.gpu(-1)),
    "split": lambda gpu, _: mx.gluon.utils.split_and_load(mx.nd.ones((2, 12)), [gpu, gpu]),
}


def in_context(ctx, call):
    with ctx:
        call()


@needs_no_gpu
@pytest.mark.parametrize("use", ON_A_GPU)
def test_a_gpu_that_is_not_there_is_an_error_wherever_it_is_named(use, tmp_path):
    with pytest.raises(ValueError, match=MESSAGE):
        ON_A_GPU[use](mx.gpu(), tmp_path)


@needs_no_gpu
def test_a_model_can_be_initialised_after_that(rng):
    vae = gv.construct_vae(generator_layer_sizes=[5], infer_layer_sizes=[5], latent_variable_size=4, data_dims=12)
    for initialize in (vae.initialize, vae.collect_params().initialize):
        with pytest.raises(ValueError, match=MESSAGE):
            initialize(ctx=mx.gpu())
    vae.initialize(force_reinit=True)
    assert vae.context == mx.cpu()
    assert gv.ELBO(vae)(pixels(rng, 3)).shape == (3,)


def test_copies_on_the_cpu_are_as_before(rng):
    values, target = pixels(rng, 3), mx.nd.zeros((3, 12))
    assert values.copyto(target) is target
    for copy in (target, values.copyto(mx.cpu(1)), values.as_in_context(mx.cpu(1))):
        np.testing.assert_array_equal(copy.asnumpy(), values.asnumpy())
