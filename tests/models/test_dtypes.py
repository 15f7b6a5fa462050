"""Models in other dtypes and on a GPU."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, set_mode, small_vae


def test_float64_from_end_to_end(rng):
    vae = small_vae()
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    bound.hybridize(static_alloc=True)
    data = nd(rng.integers(0, 2, (7, 12)), "float64")
    assert bound(data).dtype == np.float64
    assert vae.phantasize(2, "mean").dtype == np.float64


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_bfloat16_is_float32_to_its_digits(mode, rng):
    vae = small_vae()
    values, draws, results = rng.integers(0, 2, (7, 12)), rng.standard_normal((7, 4)), []
    for dtype in (np.dtype("float32"), gv.BFLOAT16):
        vae.cast(dtype)
        bound = gv.ELBO(vae)
        set_mode(bound, mode)
        with mx.autograd.record():
            value = bound(nd(values).astype(dtype), nd(draws).astype(dtype))
        value.backward()
        results.append([gv.backend.operators.as_numpy(x) for x in (value, vae.generator.logits_head.weight.grad())])
    (value, gradient), (rough_value, rough_gradient) = results
    # eight binary digits, lost anew by each of some ten operations
    np.testing.assert_allclose(rough_value, value, rtol=10 * 2.0**-8)
    assert np.linalg.norm(rough_gradient - gradient) < 10 * 2.0**-8 * np.linalg.norm(gradient)
    assert np.isfinite(gv.evaluate(gv.IWAE(vae, samples=3), values).bound)
    assert vae.phantasize(2).dtype == gv.BFLOAT16


@pytest.mark.skipif(mx.context.num_gpus() == 0, reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gpu(dtype, rng):
    vae = small_vae()
    vae.collect_params().reset_ctx(mx.gpu())
    vae.cast(dtype)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(rng.integers(0, 2, (7, 12)), ctx=mx.gpu(), dtype=dtype)
    assert np.isfinite(bound(data).asnumpy()).all()
    assert vae.phantasize(2).context == mx.gpu()


@pytest.mark.parametrize(
    "kinds", [{"latent_type": "low_rank"}, {"likelihood": "poisson"}, {"prior": "vamp"}, {"latent_type": "iaf"}]
)
def test_what_bfloat16_has_too_few_digits_for_is_refused_as_a_whole(kinds):
    vae = small_vae(**kinds)
    with pytest.raises(TypeError, match=r"bfloat16 has too few digits for \w+: .*mixed_precision"):
        vae.cast(gv.BFLOAT16)
    assert {np.dtype(parameter.dtype) for parameter in vae.collect_params().values()} == {np.dtype("float32")}
    assert vae.dtype == vae.inference_net.dtype == "float32"
