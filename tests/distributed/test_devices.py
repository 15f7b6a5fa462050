"""Trainings on several devices are those on one."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.distributed.trainings import ADAM, OF_ROWS, TRAININGS, difference, fitted, images
from tests.helpers import small_vae
from tests.tables.bounds import BOUNDS

DEVICES = [[mx.cpu(0), mx.cpu(1)], [mx.cpu(0), mx.cpu(1), mx.cpu(2)]]


@pytest.mark.parametrize("name", TRAININGS)
def test_same_parameters_and_history(name):
    training = TRAININGS[name]
    ctx = DEVICES[len(name) % 2]
    assert difference(fitted(**training, ctx=ctx), fitted(**training)) < 1e-5


@pytest.mark.parametrize("name", [name for name in BOUNDS if name not in OF_ROWS])
def test_bounds_of_a_whole_batch_are_refused(name):
    with pytest.raises(ValueError, match=r"at a data point depends on the others in the batch\. Train on one device"):
        fitted(make=BOUNDS[name], ctx=DEVICES[0])


class Covariance(gv.ELBO):
    """Does not say that it is of a batch as a whole."""

    def combine(self, F, terms, weights):
        combined = super().combine(F, terms, weights)
        return combined._replace(objective=F.broadcast_sub(combined.objective, F.mean(combined.kl)))


def test_a_bound_of_ones_own_that_is_of_a_whole_batch_is_found_out():
    with pytest.raises(ValueError, match="the objective of Covariance at a data point depends on the others"):
        fitted(make=Covariance, ctx=DEVICES[0])


def test_a_run_goes_on_with_another_number_of_devices(tmp_path):
    class Stop(gv.callbacks.Callback):
        def on_epoch(self, training, metrics):
            training.stop("here")

    adam = {**ADAM, "epochs": 3}
    whole = fitted(**adam)
    fitted(**adam, callbacks=[Stop()], folder=tmp_path / "run")
    assert difference(fitted(**adam, resume=tmp_path / "run", ctx=DEVICES[1]), whole) < 1e-5


def test_batch_norm_is_of_each_part_and_its_moving_averages_are_the_mean_of_theirs():
    def vae():
        return small_vae(
            data_dims=64, data_shape=(8, 8), infer_body="conv", infer_layer_sizes=[2], generator_layer_sizes=[3],
            infer_body_options={"batch_norm": True},
        )  # fmt: skip

    x = np.random.default_rng(0).integers(0, 2, (9, 64)).astype(np.float32)

    def moved(rows, ctx=None):
        gv.seed(1)
        model = vae()
        if ctx is not None:
            model.collect_params().reset_ctx(ctx)
        gv.fit(gv.ELBO(model), x[rows], epochs=1, batch_size=len(x[rows]), learning_rate=1e-9, progress=False)
        return {
            n: p.list_data()[-1].asnumpy() for n, p in model._collect_params_with_prefix().items() if "running" in n
        }

    # the order of a single batch does not matter: two parts of it, of 4 and 5 rows, are those of one
    gv.seed(1)
    vae()
    order = gv.noise.source.permutation(9)
    parts = [moved(order[:4]), moved(order[4:])]
    for name, value in moved(slice(None), DEVICES[0]).items():
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(value, (4 * parts[0][name] + 5 * parts[1][name]) / 9, rtol=1e-4, atol=1e-6)


def test_a_trainer_that_updates_in_its_kvstore_is_refused():
    vae = small_vae()
    vae.collect_params().reset_ctx(DEVICES[0])
    bound = gv.ELBO(vae)
    trainer = mx.gluon.Trainer(bound.collect_params(), "sgd")
    with pytest.raises(ValueError, match="update_on_kvstore=False"):
        gv.fit(bound, images(), optimizer=trainer, progress=False)
    trainer = mx.gluon.Trainer(bound.collect_params(), "sgd", update_on_kvstore=False)
    assert len(gv.fit(bound, images(), optimizer=trainer, epochs=1, progress=False)) == 1


def test_parts_of_a_model_on_different_devices_are_told():
    vae = small_vae()
    vae.inference_net.collect_params().reset_ctx(mx.cpu(1))
    with pytest.raises(ValueError, match=r"is on cpu\(1\) and .* on cpu\(0\): bound.collect_params\(\)\.reset_ctx"):
        gv.fit(gv.ELBO(vae), images(), progress=False)


def test_a_codebook_of_moving_averages_is_refused_with_what_to_do():
    vae = small_vae(latent_type="vector_quantized", prior="codebook", latent_variable_size=8)
    vae.collect_params().reset_ctx(DEVICES[0])
    with pytest.raises(ValueError, match="with a codebook that learns by gradient"):
        gv.fit(gv.VQELBO(vae), images(), progress=False)


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_loop_of_ones_own_on_two_devices_is_that_on_one(hybrid):
    """Gluon's own way: each device has a part, and the trainer adds up the gradients."""
    x, found = images(6), []
    for ctx in (DEVICES[0], [mx.cpu(0)]):
        gv.seed(3)
        vae = small_vae(label_size=3)
        vae.collect_params().reset_ctx(ctx)
        bound = gv.ELBO(vae)
        bound.hybridize(hybrid)
        trainer = gv.Trainer(bound.collect_params(), "adam", {"learning_rate": 0.01, "epsilon": 1e-3})
        drawn = gv.distributed.rows_of(bound.draw_noise(6), slice(None))
        for _ in range(3):
            with mx.autograd.record():
                rows = np.split(np.arange(6), len(ctx))
                losses = [
                    -bound(mx.nd.array(x[part], one), drawn[part[0] : part[-1] + 1].as_in_context(one), part % 3)
                    for one, part in zip(ctx, rows)
                ]
            mx.autograd.backward(losses)
            trainer.step(6)
        found.append([p.data(ctx[-1]).asnumpy() for p in vae.collect_params().values()])
    assert difference(*found) < 1e-5
    bound.collect_params().reset_ctx(DEVICES[0])
    assert bound(mx.nd.array(x, mx.cpu(1)), label=np.arange(6) % 3).context == mx.cpu(1)  # draws its noise there


@pytest.mark.parametrize("name", ["sgld", "nadam"])
def test_optimizers_whose_steps_would_differ_are_refused(name):
    with pytest.raises(ValueError, match=f"the optimizer {name}"):
        fitted(optimizer=name, ctx=DEVICES[0])
