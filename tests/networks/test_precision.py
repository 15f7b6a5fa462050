"""Matrix products in lower precision: close to float32, everything around them float32."""

import logging

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.operators import BFLOAT16
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, learned, nd, pixels, set_mode, small_vae

try:
    networks.dense.product_dtype("bfloat16", mx.cpu())
except ValueError:
    pytestmark = pytest.mark.skip(reason="needs a CPU with AVX-512")


def rounded(x):
    """``x`` to the nearest bfloat16: the upper half of its 32 bits, with seven digits of mantissa."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits >> 16 << 16).astype(np.uint32).view(np.float32).astype(np.float64)


@pytest.mark.parametrize("mode", MODES)
def test_a_dense_layer_rounds_what_it_multiplies(mode, rng):
    layer = networks.Dense(6, in_units=300)
    layer.initialize(mx.init.Normal(1))
    layer.bias.set_data(nd(rng.standard_normal(6)))
    layer.precision = BFLOAT16
    set_mode(layer, mode)
    weight, bias = (parameter.data().asnumpy() for parameter in (layer.weight, layer.bias))
    # MXNet's operators round the bias and the results as well: 2**-9, beside the roundings of the sums in float32
    ours = layer.is_compiled
    of_bias, rtol, atol = (bias, 2e-5, 2e-4) if ours else (rounded(bias), 2.0**-8, 1e-3)
    for batch in (1, 7, 64, 7):
        x = nd(rng.standard_normal((batch, 300)))
        x.attach_grad()
        head = rng.standard_normal((batch, 6))
        with mx.autograd.record():
            output = layer(x)
        output.backward(nd(head))
        expected = rounded(x.asnumpy()) @ rounded(weight).T + of_bias
        assert output.dtype == x.grad.dtype == layer.weight.grad().dtype == np.float32
        np.testing.assert_allclose(output.asnumpy(), expected, rtol=rtol, atol=atol)
        np.testing.assert_allclose(x.grad.asnumpy(), rounded(head) @ rounded(weight), rtol=rtol, atol=atol)
        of_weight = rounded(head).T @ rounded(x.asnumpy())
        np.testing.assert_allclose(layer.weight.grad().asnumpy(), of_weight, rtol=rtol, atol=atol)


@pytest.mark.parametrize("objective", [gv.ELBO, gv.IWAE])
def test_the_bound_is_near_and_the_gradient_points_the_same_way(objective, rng):
    bound = objective(small_vae(), samples=3)
    bound.hybridize(static_alloc=True, static_shape=True)
    data, noise = pixels(rng, 64), nd(rng.standard_normal((3, 64, 4)))

    def value_and_gradient():
        with mx.autograd.record():
            value = bound(data, noise)
        value.backward()
        return value.asnumpy(), np.concatenate([p.grad().asnumpy().ravel().astype(float) for p in learned(bound)])

    value, gradient = value_and_gradient()
    bound.mixed_precision("bfloat16")
    near, near_gradient = value_and_gradient()
    assert 0 < abs(near - value).max() < 0.05
    cosine = near_gradient @ gradient / np.linalg.norm(near_gradient) / np.linalg.norm(gradient)
    assert 0.999 < cosine < 1
    bound.mixed_precision("float32")
    for got, want in zip(value_and_gradient(), (value, gradient)):
        np.testing.assert_array_equal(got, want)


def test_parameters_stay_float32_and_keep_their_names(rng):
    vae = small_vae()
    before = {name: parameter.data().asnumpy() for name, parameter in vae.collect_params().items()}
    vae.mixed_precision("bfloat16")
    vae(pixels(rng, 3))
    for name, parameter in vae.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), before[name])
    assert vae.dtype == "float32"


def test_half_precision_needs_a_device_that_has_it():
    vae = small_vae()
    with pytest.raises(ValueError, match="MXNet has no float16 matrix product on cpu"):
        vae.mixed_precision("float16")
    with pytest.raises(ValueError, match="did you mean 'bfloat16'"):
        vae.mixed_precision("bf16")


def test_a_model_of_another_dtype_has_one_precision():
    vae = small_vae()
    vae.cast("float64")
    with pytest.raises(TypeError, match="for a float32 model"):
        vae.mixed_precision("bfloat16")


def test_a_cpu_without_the_instructions_is_told(monkeypatch, caplog):
    monkeypatch.setattr(networks.dense, "bfloat16_in_hardware", lambda: False)
    with caplog.at_level(logging.WARNING):
        small_vae().mixed_precision("bfloat16")
    assert "slower than in float32" in caplog.text


def test_fit_trains_in_it_and_leaves_float32(rng):
    bound = gv.ELBO(small_vae())
    bound.hybridize(static_alloc=True, static_shape=True)
    data = (rng.random((200, 12)) < np.linspace(0.05, 0.95, 12)).astype("float32")
    fitted = {"epochs": 8, "batch_size": 20, "learning_rate": 1e-2, "progress": False}
    history = gv.fit(bound, data, precision="bfloat16", **fitted)
    assert history["train_bound"][-1] > history["train_bound"][0] + 1
    assert all(layer.precision is None for layer in (bound.vae.generator.logits_head, bound.vae.inference_net.body[0]))


def test_a_run_in_bfloat16_differs_from_one_in_float32_but_not_by_much(rng):
    data = (rng.random((200, 12)) < np.linspace(0.05, 0.95, 12)).astype("float32")
    ends = []
    for precision in (None, "float32", "bfloat16"):
        gv.seed(3)
        history = gv.fit(
            gv.ELBO(small_vae()), data, epochs=8, batch_size=20, learning_rate=1e-2, precision=precision, progress=False
        )
        ends.append(history["train_bound"][-1])
    assert ends[0] == ends[1]
    assert 0 < abs(ends[2] - ends[0]) < 0.1


def test_fit_leaves_the_precision_that_was_there(rng):
    bound = gv.ELBO(small_vae())
    bound.hybridize()
    bound.mixed_precision("bfloat16")
    data, noise = pixels(rng, 20), bound.draw_noise(20)
    before = bound(data, noise).asnumpy()
    # so slow that no parameter changes
    fitted = {"epochs": 1, "batch_size": 20, "learning_rate": 1e-30, "progress": False}
    gv.fit(bound, data.asnumpy(), precision="float32", **fitted)
    np.testing.assert_array_equal(bound(data, noise).asnumpy(), before)
    bound.mixed_precision("float32")
    assert (bound(data, noise).asnumpy() != before).any()
