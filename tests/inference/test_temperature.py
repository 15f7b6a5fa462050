"""The temperature of relaxed codes: changed without a new trace, saved, set at any time."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd
from tests.tables.codes import POSTERIORS, RELAXED, STRAIGHT, model


class Counted(gv.RelaxedOneHotInferenceNetwork):
    """Counts how often Python runs through it."""

    calls = 0

    def hybrid_forward(self, F, data, **parameters):
        Counted.calls += 1
        return super().hybrid_forward(F, data, **parameters)


def test_the_temperature_changes_without_a_new_trace(rng):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), Counted(6, [5], categories=3), gv.CodePrior())
    vae.initialize()
    bound = gv.ELBO(vae)
    data, noise = nd(rng.integers(0, 2, (7, 12))), nd(rng.standard_normal((7, 6)))
    temperatures, wanted = (1.0, 0.5, 0.1), []
    for vae.inference_net.family.temperature in temperatures:
        wanted.append(bound(data, noise).asnumpy())
    assert abs(np.diff(wanted, axis=0)).min() > 1e-4
    bound.hybridize(static_alloc=True, static_shape=True)
    bound(data, noise)
    traced = Counted.calls
    for vae.inference_net.family.temperature, want in zip(temperatures, wanted):
        np.testing.assert_allclose(bound(data, noise).asnumpy(), want, rtol=1e-5)
    images = rng.integers(0, 2, (100, 12)).astype("float32")
    schedule = gv.schedules.exponential(1.0, 0.25, 20)
    gv.fit(bound, images, epochs=2, batch_size=10, weights={"temperature": schedule}, progress=False)
    assert Counted.calls == traced
    assert vae.inference_net.family.temperature == pytest.approx(0.25 ** (19 / 20))


@pytest.mark.parametrize("name", [*RELAXED, *STRAIGHT])
def test_the_temperature_is_saved_and_set_at_any_time(name, tmp_path, rng):
    latent_type, options = POSTERIORS[name]
    net = gv.inference.POSTERIORS[latent_type](6, [5], data_dims=12, **{**options, "temperature": 0.75})
    net.family.temperature = 0.625
    net.initialize()
    assert net.family.temperature == 0.625
    vae = model(name)
    family = vae.inference_net.family
    family.temperature = 0.25
    path = str(tmp_path / "model.params")
    vae.save_parameters(path)
    other = model(name)
    other.load_parameters(path)
    assert other.inference_net.family.temperature == 0.25
    data, noise = nd(rng.integers(0, 2, (7, 12))), nd(rng.standard_normal((7, 6)))
    np.testing.assert_array_equal(gv.ELBO(other)(data, noise).asnumpy(), gv.ELBO(vae)(data, noise).asnumpy())
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"temperature must be a positive number, got {wrong}"):
            family.temperature = wrong
