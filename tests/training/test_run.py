"""The folder of a run."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training.run import Run, RunError, load_run

MODEL = {"generator_layer_sizes": [5], "infer_layer_sizes": [5], "latent_variable_size": 2, "data_dims": 12}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_run_whose_parameters_are_not_finite_is_not_loaded(value, tmp_path):
    vae = gv.construct_vae(**MODEL)
    vae.initialize()
    others = {"gluonvae": "", "data": {}, "shape": [12], "limits": [0, 1], "classes": False, "asked": {}}
    run = Run(tmp_path / "run", {"model": MODEL, **others})
    run.save_parameters(vae)
    load_run(run.folder, mx.cpu())
    vae.generator.body[0].bias.set_data(mx.nd.full((5,), value))
    run.save_parameters(vae)
    with pytest.raises(RunError, match=r"model\.params holds NaN or infinity in generator\.body\.0\.bias: train"):
        load_run(run.folder, mx.cpu())
