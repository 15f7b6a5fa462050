"""Every activation in both modes."""

import pytest

import gluonvae as gv
from tests.helpers import assert_modes_agree, small_vae


@pytest.mark.parametrize("activation", gv.networks.ACTIVATIONS)
def test_activations(activation, rng):
    assert_modes_agree(gv.IWAE(small_vae(generator_act_type=activation, infer_act_type=activation), samples=2), rng)
