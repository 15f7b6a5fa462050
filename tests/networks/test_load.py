"""A file with NaN or infinity in it is not loaded without a word."""

import logging

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import small_vae

BLOCKS = {
    "a model": (small_vae, "generator.body.0.bias"),
    "a bound": (lambda: gv.ELBO(small_vae()), "vae.generator.body.0.bias"),
    "a generator": (lambda: small_vae().generator, "body.0.bias"),
    "an inference network": (lambda: small_vae().inference_net, "body.0.bias"),
    "a prior": (lambda: small_vae(prior="mixture").prior, None),
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("value", [1.0, np.nan, -np.inf])
def test_a_file_with_a_bad_parameter_is_loaded_with_a_warning(name, value, tmp_path, caplog):
    make, parameter = BLOCKS[name]
    block, path = make(), str(tmp_path / "x.params")
    block.collect_params()  # initialises what is a bound's own
    parameters = block._collect_params_with_prefix()
    parameter = parameter or next(iter(parameters))
    values = parameters[parameter].data().asnumpy()
    values.ravel()[0] = value
    parameters[parameter].set_data(mx.nd.array(values))
    block.save_parameters(path)
    with caplog.at_level(logging.WARNING, "gluonvae"):
        other = make()
        other.collect_params()
        other.load_parameters(path, ctx=mx.cpu())
    np.testing.assert_array_equal(other._collect_params_with_prefix()[parameter].data().asnumpy(), values)
    said = [record.getMessage() for record in caplog.records]
    wanted = f"{path} holds NaN or infinity in {parameter}: what is computed of them is no use"
    assert said == ([] if np.isfinite(value) else [wanted])


def test_of_many_the_first_is_named(tmp_path, caplog):
    vae = small_vae()
    for parameter in vae.collect_params().values():
        parameter.set_data(mx.nd.full(parameter.shape, np.nan))
    vae.save_parameters(str(tmp_path / "x.params"))
    small_vae().load_parameters(str(tmp_path / "x.params"))
    others = len(vae.collect_params().keys()) - 1
    assert f"and {others} other parameters" in caplog.text
