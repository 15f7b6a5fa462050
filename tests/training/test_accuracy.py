"""How good the tutorial's model gets on full MNIST; on the digits, see tests/cli/test_train_sample_evaluate.py."""

import pytest

import gluonvae as gv
from gluonvae.data import mnist
from gluonvae.data import sources as files


def test_mnist_reaches_minus_100_in_twenty_epochs(in_full):
    if not in_full:
        pytest.skip("takes two minutes: pytest --in-full")
    name = mnist.MNIST.files[0].name
    if not files.find([name, f"{name}.gz"], files.folders("mnist", None)):
        pytest.skip("needs MNIST's files in the folder that GLUONVAE_DATA names")
    gv.seed(7)
    train, valid, test = gv.data.load("mnist")
    vae = gv.construct_vae()
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    rate = gv.schedules.cosine(2e-3, 2e-5, 20 * 500)
    history = gv.fit(bound, train, valid, epochs=20, batch_size=100, learning_rate=rate, progress=False)
    assert history["valid_bound"][-1] >= -100
    assert gv.evaluate(bound, test).bound >= -100
